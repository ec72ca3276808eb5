#include "engine/io/hash.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

namespace bptplr {
namespace {

TEST(Hash, EveryBitEveryLengthAndTheSeedCount) {
  for (const std::size_t length : {1U, 7U, 8U, 31U, 32U, 33U, 100U}) {
    std::vector<std::uint8_t> bytes(length, 5);
    std::set<std::uint64_t> seen{hash_bytes(bytes), hash_bytes(bytes, 1)};
    for (std::size_t bit = 0; bit < 8 * length; ++bit) {
      bytes[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
      seen.insert(hash_bytes(bytes));
      bytes[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    }
    bytes.push_back(0);  // as the last word is filled up
    seen.insert(hash_bytes(bytes));
    EXPECT_EQ(seen.size(), 8 * length + 3);
  }
  EXPECT_NE(hash_bytes(std::string_view()), hash_bytes(std::string_view("\0", 1)));
}

TEST(Hash, IsXxh3) {
  EXPECT_EQ(hash_bytes(std::string_view()), 0x2d06800538d394c2U);  // xxhash.com, seed 0
}

TEST(Hash, OrderCounts) {
  std::vector<std::uint8_t> bytes(96);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i / 8);
  const std::uint64_t before = hash_bytes(bytes);
  std::swap_ranges(bytes.begin(), bytes.begin() + 8, bytes.begin() + 8);  // another lane
  EXPECT_NE(hash_bytes(bytes), before);
  std::swap_ranges(bytes.begin(), bytes.begin() + 8, bytes.begin() + 8);
  std::swap_ranges(bytes.begin(), bytes.begin() + 8, bytes.begin() + 32);  // the same lane
  EXPECT_NE(hash_bytes(bytes), before);
}

}  // namespace
}  // namespace bptplr
