#include "bpt_plr/train/shuffled_passes.hpp"

#include <gtest/gtest.h>

#include <set>

namespace bptplr {
namespace {

TEST(ShuffledPasses, UpcomingIsWhatComesNextInThePass) {
  ShuffledPasses passes(10, 3, Incomplete::kDrop, 1, Purpose::kTest, 0, 0);
  EXPECT_TRUE(passes.upcoming().empty()) << "no pass has begun";
  for (int pass = 0; pass < 3; ++pass) {
    std::set<std::int64_t> seen;
    for (int batch = 0; batch < 3; ++batch) {
      const auto expected = passes.upcoming();
      const std::vector<std::int64_t> before(expected.begin(), expected.end());
      const auto next = passes.next();
      EXPECT_EQ(next.size(), 3U);
      EXPECT_EQ(before.empty(), batch == 0) << "a pass is drawn when it begins";
      if (!before.empty()) {
        EXPECT_EQ(before, std::vector<std::int64_t>(next.begin(), next.end()));
      }
      seen.insert(next.begin(), next.end());
    }
    EXPECT_EQ(seen.size(), 9U);
  }
}

TEST(ShuffledPasses, WhatIsLeftMayBeABatch) {
  ShuffledPasses passes(10, 4, Incomplete::kKeep, 1, Purpose::kTest, 0, 0);
  EXPECT_EQ(passes.batches_per_pass(), 3);
  for (int pass = 0; pass < 2; ++pass) {
    std::set<std::int64_t> seen;
    for (const std::size_t size : {4U, 4U, 2U}) {
      const auto batch = passes.next();
      EXPECT_EQ(batch.size(), size);
      seen.insert(batch.begin(), batch.end());
    }
    EXPECT_EQ(seen.size(), 10U);
    EXPECT_TRUE(passes.upcoming().empty());
  }
}

TEST(ShuffledPasses, ASmallSetIsOneBatch) {
  for (const Incomplete incomplete : {Incomplete::kDrop, Incomplete::kKeep}) {
    ShuffledPasses passes(3, 8, incomplete, 1, Purpose::kTest, 0, 0);
    EXPECT_EQ(passes.batches_per_pass(), 1);
    EXPECT_EQ(passes.next().size(), 3U);
    EXPECT_EQ(passes.next().size(), 3U);
  }
}

TEST(ShuffledPasses, NothingYieldsNothing) {
  ShuffledPasses passes(0, 3, Incomplete::kKeep, 1, Purpose::kTest, 0, 0);
  EXPECT_TRUE(passes.next().empty());
  EXPECT_TRUE(passes.upcoming().empty());
}

}  // namespace
}  // namespace bptplr
