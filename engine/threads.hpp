// Number of CPU threads.
#pragma once

#include <cstdint>

namespace bptplr {

/// Limits the CPU threads of this process to `threads` (0: no change) and returns their number.
int use_threads(std::int64_t threads);

}  // namespace bptplr
