// Hash function of checkpoints of format 1, which preceded xxHash. Only verifies those files.
#pragma once

#include <cstdint>
#include <string_view>

namespace bptplr {

/// Returns the hash of `bytes` that format 1 uses for its checksum and for the training data.
std::uint64_t hash_bytes_format1(std::string_view bytes, std::uint64_t seed);

}  // namespace bptplr
