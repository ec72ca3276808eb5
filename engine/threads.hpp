// Number of CPU threads.
#pragma once

#include <cstdint>

namespace bptplr {

/// Limits the CPU threads of this process to `threads` (0: leaves them) and returns how many there
/// are.
int use_threads(std::int64_t threads);

}  // namespace bptplr
