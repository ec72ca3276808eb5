#include "data/images/hash.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace bptplr {
namespace {

constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15;   // 2^64 / golden ratio
constexpr std::uint64_t kOdd2 = 0xd6e8feb86659fd93;  // many bits, no pattern
constexpr std::size_t kLanes = 4;  // independent, so that a processor overlaps them
constexpr std::size_t kWord = sizeof(std::uint64_t);

/// For a fixed word a bijection of `state` and the other way round, so that no change is lost. Two
/// products, because one passes a change of the highest bit on as it is, and a change of the next
/// word could cancel it.
std::uint64_t absorb(std::uint64_t state, std::uint64_t word) {
  std::uint64_t x = (state ^ word) * kOdd;
  x ^= x >> 32;
  x *= kOdd2;
  return x ^ (x >> 29);
}

}  // namespace

std::uint64_t hash_bytes(std::span<const std::uint8_t> bytes, std::uint64_t seed) {
  std::array<std::uint64_t, kLanes> lanes{};
  for (std::size_t i = 0; i < kLanes; ++i) lanes[i] = seed + (i + 1) * kOdd;
  const std::size_t whole = bytes.size() / (kLanes * kWord) * (kLanes * kWord);
  for (std::size_t at = 0; at < whole; at += kLanes * kWord) {
    std::array<std::uint64_t, kLanes> words;
    std::memcpy(words.data(), bytes.data() + at, sizeof words);
    for (std::size_t i = 0; i < kLanes; ++i) lanes[i] = absorb(lanes[i], words[i]);
  }
  for (std::size_t at = whole; at < bytes.size(); at += kWord) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, std::min(kWord, bytes.size() - at));
    lanes[0] = absorb(lanes[0], word);
  }
  std::uint64_t hash = bytes.size();
  for (const std::uint64_t lane : lanes) hash = absorb(hash, lane);
  return hash;
}

std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t seed) {
  return hash_bytes(std::span(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()),
                    seed);
}

}  // namespace bptplr
