// Fast 64-bit hash to detect changed bytes; it does not protect against forgery.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace bptplr {

/// Returns XXH3 (xxHash, 64 bits) of `bytes`. For several arrays, `seed` is the hash of those
/// before.
std::uint64_t hash_bytes(std::span<const std::uint8_t> bytes, std::uint64_t seed = 0);
std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t seed = 0);

}  // namespace bptplr
