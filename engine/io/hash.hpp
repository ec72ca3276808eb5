// A fast 64-bit hash that tells whether bytes are the same; it is no defence against forgery.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace bptplr {

/// Returns XXH3 (xxHash, 64 bits) of `bytes`. The hash of several arrays in a row takes the hash of
/// those before as `seed`.
std::uint64_t hash_bytes(std::span<const std::uint8_t> bytes, std::uint64_t seed = 0);
std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t seed = 0);

}  // namespace bptplr
