// The hash of checkpoints of format 1, which were written before xxHash took its place. It verifies
// those files and is for nothing else.
#pragma once

#include <cstdint>
#include <string_view>

namespace bptplr {

/// Returns the hash of `bytes` that format 1 uses for its checksum and for the training data.
std::uint64_t hash_bytes_format1(std::string_view bytes, std::uint64_t seed);

}  // namespace bptplr
