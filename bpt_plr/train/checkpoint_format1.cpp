#include "bpt_plr/train/checkpoint_format1.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace bptplr {
namespace {

constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15;
constexpr std::uint64_t kOdd2 = 0xd6e8feb86659fd93;
constexpr std::size_t kLanes = 4;
constexpr std::size_t kWord = sizeof(std::uint64_t);

std::uint64_t absorb(std::uint64_t state, std::uint64_t word) {
  std::uint64_t x = (state ^ word) * kOdd;
  x ^= x >> 32;
  x *= kOdd2;
  return x ^ (x >> 29);
}

}  // namespace

std::uint64_t hash_bytes_format1(std::string_view bytes, std::uint64_t seed) {
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

}  // namespace bptplr
