// A fast 64-bit hash for telling whether bytes are the same. Not a defence against forgery.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace bptplr {

/// The hash of some bytes; a different `seed` gives an unrelated hash. Whatever changes within one
/// aligned 8-byte word changes the result for certain, any other change but for one in 2^64.
std::uint64_t hash_bytes(std::span<const std::uint8_t> bytes, std::uint64_t seed = 0);
std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t seed = 0);

}  // namespace bptplr
