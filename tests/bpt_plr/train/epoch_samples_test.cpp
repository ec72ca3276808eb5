#include "bpt_plr/train/epoch_samples.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "bpt_plr/recipe/resolve.hpp"
#include "engine/error.hpp"

namespace bptplr {
namespace {

/// 90 samples of class 0, 30 of class 1 and 10 of class 2; the truth is one class further.
TrainingData unbalanced() {
  TrainingData data;
  data.dataset.class_names = {"a", "b", "c"};
  for (std::int64_t i = 0; i < 130; ++i) {
    const std::int64_t label = i % 13 < 9 ? 0 : i % 13 < 12 ? 1 : 2;
    data.noisy_labels.push_back(label);
    data.true_labels.push_back((label + 1) % 3);
  }
  return data;
}

Recipe recipe_with(std::int64_t epoch_size) {
  Recipe recipe;
  recipe.epoch_size = epoch_size;
  return recipe;
}

TEST(EpochSamples, AreAllWhereNothingElseIsAsked) {
  const TrainingData data = unbalanced();
  for (const std::int64_t size : {0, 130, 1000}) {
    const EpochSamples samples = draw_epoch_samples(recipe_with(size), data, 7);
    ASSERT_EQ(samples.size(), 130);
    EXPECT_EQ(samples.indices.front(), 0);
    EXPECT_EQ(samples.indices.back(), 129);
    EXPECT_EQ(samples.noisy_labels, data.noisy_labels);
    EXPECT_EQ(samples.true_labels, data.true_labels);
  }
}

TEST(EpochSamples, ABalancedDrawDiffersFromEpochToEpoch) {
  const TrainingData data = unbalanced();
  std::set<std::int64_t> seen;
  std::vector<std::int64_t> last;
  for (std::int64_t epoch = 0; epoch < 30; ++epoch) {
    const EpochSamples samples = draw_epoch_samples(recipe_with(30), data, epoch);
    ASSERT_EQ(samples.size(), 30);
    EXPECT_TRUE(std::ranges::is_sorted(samples.indices));
    for (const std::int64_t label : {0, 1, 2}) {
      EXPECT_EQ(std::ranges::count(samples.noisy_labels, label), 10) << "class " << label;
    }
    for (std::size_t k = 0; k < samples.indices.size(); ++k) {
      const auto i = static_cast<std::size_t>(samples.indices[k]);
      EXPECT_EQ(samples.noisy_labels[k], data.noisy_labels[i]);
      EXPECT_EQ(samples.true_labels[k], data.true_labels[i]);
    }
    EXPECT_NE(samples.indices, last);
    EXPECT_EQ(samples.indices, draw_epoch_samples(recipe_with(30), data, epoch).indices);
    last = samples.indices;
    seen.insert(last.begin(), last.end());
  }
  // 10 of 90 in each of 30 draws: the chance of one never drawn is 3 %, of more than ten, none.
  EXPECT_GT(seen.size(), 119U);
}

TEST(EpochSamples, AHistoryOfLossesNeedsTheSameSamples) {
  Recipe recipe = recipe_with(30);
  recipe.dataset = DatasetKind::kShapes;
  recipe.loss_history = 3;
  EXPECT_THROW(resolve(recipe), Error);
  recipe.loss_history = 1;
  EXPECT_NO_THROW(resolve(recipe));
}

}  // namespace
}  // namespace bptplr
