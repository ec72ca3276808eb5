#include "bpt_plr/results/issues/data_issues.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/random.hpp"
#include "tests/message_of.hpp"

namespace bptplr {
namespace {

/// Random directions around one another, of which 3 is 7's double and 5 points elsewhere.
Tensor features(std::int64_t count) {
  Philox random(1, Purpose::kTest);
  Tensor x = Tensor::empty({count, 16});
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    x.data<float>()[i] = 3.0F + static_cast<float>(random.normal());
  }
  for (std::int64_t d = 0; d < 16; ++d) {
    x.data<float>()[3 * 16 + d] = 2.0F * x.data<float>()[7 * 16 + d];
    x.data<float>()[5 * 16 + d] = d % 2 == 0 ? 4.0F : -4.0F;
  }
  return x;
}

TEST(DataIssues, FindsWhatWasPlanted) {
  std::vector<std::int64_t> labels(200);
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<std::int64_t>(i % 4);
  labels[7] = 0;
  labels[11] = 4;
  const DataIssues issues = find_data_issues(features(200), labels, 5);
  EXPECT_EQ(issues.near_duplicates.sets, (std::vector<std::vector<std::int64_t>>{{3, 7}}));
  ASSERT_EQ(issues.conflicts.size(), 1U) << "3 and 7 have different labels";
  EXPECT_TRUE(issues.outliers.is_one[5]);
  EXPECT_EQ(std::ranges::min_element(issues.outliers.score) - issues.outliers.score.begin(), 5);
  EXPECT_EQ(issues.rare_classes, std::vector<std::int64_t>{4});
  EXPECT_NEAR(issues.near_duplicates.score[3], 0.0F, 1e-3F);
  Dataset dataset;
  dataset.class_names = {"a", "b", "c", "d", "e"};
  EXPECT_EQ(
      describe(issues, dataset),
      "2 near-duplicates in 1 set, 1 of which has different labels, 2 outliers; rare classes: e");
}

TEST(DataIssues, OfFewSamplesAreNone) {
  for (const std::int64_t count : {1, 2}) {
    const DataIssues issues =
        find_data_issues(Tensor::zeros({count, 3}), std::vector<std::int64_t>(count), 1);
    EXPECT_EQ(issues.neighbours.k, count - 1);
    EXPECT_TRUE(issues.conflicts.empty());
  }
}

TEST(Neighbours, AreByCosineDistance) {
  const Tensor x = Tensor::from(std::vector<float>{1, 0, 2, 0.2F, 0, 3, -1, 0}, {4, 2});
  const Neighbours found = find_neighbours(x, 2);
  EXPECT_EQ(found.index[0], 1);
  EXPECT_NEAR(found.distance[0], 1.0 - 2.0 / std::sqrt(4.04), 1e-6);
  EXPECT_EQ(found.index[1], 2);
  EXPECT_NEAR(found.distance[1], 1.0, 1e-6);
  Tensor bad = x.clone();
  bad.data<float>()[5] = NAN;
  EXPECT_EQ(message_of([&] { find_neighbours(bad, 2); }),
            "the features of sample 2 are not finite");
}

}  // namespace
}  // namespace bptplr
