// The loops that resizing is made of, with and without the instructions of this processor.
#include "data/images/byte_lanes.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/random.hpp"

namespace bptplr::byte_lanes {
namespace {

/// The largest weight.
constexpr std::int32_t kOne = 1 << kWeightBits;

std::vector<std::uint8_t> random_bytes(std::size_t count, std::uint32_t number) {
  Philox random(1, Purpose::kTest, number);
  std::vector<std::uint8_t> bytes(count);
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random.below(256));
  return bytes;
}

TEST(ByteLanes, TransposesPairs) {
  constexpr std::ptrdiff_t kStride = 23;
  const auto from = random_bytes(16 * kStride, 1);
  std::vector<std::uint8_t> to(8 * 40);
  transpose<false, 8>(from.data(), kStride, to.data(), 40);
  std::vector<std::uint8_t> channels(6 * 32);
  transpose<true, 6>(from.data(), kStride, channels.data(), 32);
  for (std::size_t i = 0; i < 16; ++i) {
    const std::uint8_t* row = from.data() + kStride * static_cast<std::ptrdiff_t>(i);
    for (std::size_t k = 0; k < 16; ++k) {
      EXPECT_EQ(to[40 * (k / 2) + 2 * i + k % 2], row[k]);
    }
    for (std::size_t k = 0; k < 12; ++k) {  // two pixels after each other, channel by channel
      const std::size_t pixel = k / 6 * 2 + k % 2;
      EXPECT_EQ(channels[32 * (k / 2) + 2 * i + k % 2], row[3 * pixel + k % 6 / 2]);
    }
  }
}

/// Weights that add up to about 1, of which some are as large as they may be.
std::vector<std::int32_t> weights_of(int taps, Philox& random) {
  std::vector<double> shares;
  double sum = 0.0;
  for (int t = 0; t < taps; ++t) {
    shares.push_back(random.below(4) == 0 ? 0.0 : static_cast<double>(random.uniform()));
    sum += shares.back();
  }
  std::vector<std::int32_t> weights;
  weights.reserve(shares.size());
  for (const double share : shares) {
    weights.push_back(static_cast<std::int32_t>(std::lround(share / std::max(sum, 1e-9) * kOne)));
  }
  return weights;
}

template <class SumsOf, class Pair>
std::vector<std::uint8_t> sum(const std::vector<std::int32_t>& weights,
                              const std::vector<std::uint8_t>& bytes) {
  SumsOf sums;
  for (std::size_t t = 0; t + 1 < weights.size(); t += 2) {
    sums.add(Pair(weights[t], weights[t + 1]), bytes.data() + 16 * t);
  }
  std::vector<std::uint8_t> out(16);
  sums.store(out.data());
  return out;
}

TEST(ByteLanes, SumsAreExact) {
  Philox random(2, Purpose::kTest);
  for (std::uint32_t trial = 0; trial < 500; ++trial) {
    const int taps = 2 * (1 + static_cast<int>(random.below(trial % 10 == 0 ? 2000 : 12)));
    auto weights = weights_of(taps, random);
    if (trial % 7 == 0) {  // one byte alone, and high parts that are rounded up as far as can be
      std::fill(weights.begin(), weights.end(), 0);
      weights[random.below(static_cast<std::uint32_t>(taps))] = kOne;
    } else if (trial % 7 == 1) {
      weights.assign(128, kOne / 128);
    }
    auto bytes = random_bytes(16 * weights.size(), trial);
    if (trial % 3 == 0) std::fill(bytes.begin(), bytes.end(), 255);
    std::vector<std::uint8_t> expected;
    for (std::size_t i = 0; i < 16; ++i) {
      std::int64_t exact = kHalf;
      for (std::size_t t = 0; t < weights.size(); ++t) {
        exact += std::int64_t{weights[t]} * bytes[16 * (t - t % 2) + 2 * i + t % 2];
      }
      expected.push_back(
          static_cast<std::uint8_t>(std::min<std::int64_t>(exact >> kWeightBits, 255)));
    }
    EXPECT_EQ((sum<Sums, WeightPair>(weights, bytes)), expected) << trial;
    EXPECT_EQ((sum<portable::Sums, portable::WeightPair>(weights, bytes)), expected) << trial;
#ifdef __AVX2__
    EXPECT_EQ((sum<avx2::Sums, avx2::WeightPair>(weights, bytes)), expected) << trial;
#endif
  }
}

TEST(ByteLanes, PlainLoopsTransposeAlike) {
  const auto from = random_bytes(16 * 16, 3);
  std::vector<std::uint8_t> to(8 * 32);
  std::vector<std::uint8_t> expected(8 * 32);
  transpose<false, 8>(from.data(), 16, to.data(), 32);
  portable::transpose<false, 8>(from.data(), 16, expected.data(), 32);
  EXPECT_EQ(to, expected);
  transpose<true, 6>(from.data(), 16, to.data(), 32);
  portable::transpose<true, 6>(from.data(), 16, expected.data(), 32);
  EXPECT_EQ(to, expected);
}

}  // namespace
}  // namespace bptplr::byte_lanes
