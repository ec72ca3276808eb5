#include "data/subset.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "engine/error.hpp"

namespace bptplr {
namespace {

/// 100 samples: 50 of class 0, 30 of class 1, 15 of class 2, 5 of class 3.
std::vector<std::int64_t> uneven() {
  std::vector<std::int64_t> labels(100, 0);
  std::fill(labels.begin() + 50, labels.end(), 1);
  std::fill(labels.begin() + 80, labels.end(), 2);
  std::fill(labels.begin() + 95, labels.end(), 3);
  return labels;
}

std::map<std::int64_t, int> sizes(const std::vector<std::int64_t>& labels,
                                  const std::vector<std::int64_t>& indices) {
  std::map<std::int64_t, int> counts;
  for (const std::int64_t label : select(labels, indices)) ++counts[label];
  return counts;
}

TEST(Subset, IsBalancedAscendingAndWithoutRepetition) {
  const auto labels = uneven();
  using Counts = std::map<std::int64_t, int>;
  const std::pair<std::int64_t, Counts> cases[] = {
      {1, {{0, 1}}},
      {8, {{0, 2}, {1, 2}, {2, 2}, {3, 2}}},
      {10, {{0, 3}, {1, 3}, {2, 2}, {3, 2}}},
      {41, {{0, 12}, {1, 12}, {2, 12}, {3, 5}}},
      {100, {{0, 50}, {1, 30}, {2, 15}, {3, 5}}},
  };
  for (const auto& [count, expected] : cases) {
    const auto indices = balanced_subset(labels, 4, count, 3);
    EXPECT_EQ(indices.size(), static_cast<std::size_t>(count));
    EXPECT_TRUE(std::is_sorted(indices.begin(), indices.end(), std::less_equal<>()));
    EXPECT_EQ(sizes(labels, indices), expected);
  }
}

TEST(Subset, DependsOnTheSeed) {
  const auto labels = uneven();
  EXPECT_EQ(balanced_subset(labels, 4, 20, 3), balanced_subset(labels, 4, 20, 3));
  EXPECT_NE(balanced_subset(labels, 4, 20, 3), balanced_subset(labels, 4, 20, 4));
}

TEST(Subset, CountsThatCannotBeAreErrors) {
  for (const std::int64_t count : {-1, 0, 101}) {
    EXPECT_THROW(balanced_subset(uneven(), 4, count, 1), Error);
  }
}

TEST(Subset, ADrawIsBalancedAndAnotherInEveryEpoch) {
  const auto labels = uneven();
  const auto first = balanced_draw(labels, 4, 20, 3, 0);
  EXPECT_EQ(sizes(labels, first), (std::map<std::int64_t, int>{{0, 5}, {1, 5}, {2, 5}, {3, 5}}));
  EXPECT_TRUE(std::is_sorted(first.begin(), first.end(), std::less_equal<>()));
  EXPECT_EQ(first, balanced_draw(labels, 4, 20, 3, 0));
  EXPECT_NE(first, balanced_draw(labels, 4, 20, 3, 1));
  EXPECT_NE(first, balanced_draw(labels, 4, 20, 4, 0));
  EXPECT_NE(first, balanced_subset(labels, 4, 20, 3));
  // Over the epochs every sample of a large class has its turn.
  std::set<std::int64_t> seen;
  for (std::uint32_t epoch = 0; epoch < 100; ++epoch) {
    const auto drawn = balanced_draw(labels, 4, 20, 3, epoch);
    seen.insert(drawn.begin(), drawn.end());
  }
  EXPECT_EQ(seen.size(), 100U);
  EXPECT_THROW(balanced_draw(labels, 4, 101, 3, 0), Error);
  EXPECT_THROW(balanced_draw(labels, 4, 0, 3, 0), Error);
}

TEST(Subset, SelectTakesImagesWithTheirLabels) {
  std::vector<std::uint8_t> pixels(18);
  std::iota(pixels.begin(), pixels.end(), 0);
  const Split split{Images::in_memory(1, 2, pixels), {7, 8, 9}, {0, -1, 2}, {"a", "b", "c"}};
  const std::vector<std::int64_t> indices{2, 0};
  const Split chosen = select(split, indices);
  EXPECT_EQ(chosen.labels, (std::vector<std::int64_t>{9, 7}));
  EXPECT_EQ(chosen.true_labels, (std::vector<std::int64_t>{2, 0}));
  EXPECT_EQ(chosen.files, (std::vector<std::string>{"c", "a"}));
  EXPECT_EQ(chosen.images.count, 2);
  EXPECT_EQ(chosen.images.height, 1);
  EXPECT_EQ(chosen.images.width, 2);
  EXPECT_EQ(std::vector(chosen.images.pixels.begin(), chosen.images.pixels.end()),
            (std::vector<std::uint8_t>{12, 13, 14, 15, 16, 17, 0, 1, 2, 3, 4, 5}));
}

}  // namespace
}  // namespace bptplr
