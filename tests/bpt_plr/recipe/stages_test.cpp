#include "bpt_plr/recipe/stages.hpp"

#include <gtest/gtest.h>

#include "bpt_plr/recipe/builtin.hpp"
#include "bpt_plr/recipe/resolve.hpp"

namespace bptplr {
namespace {

Recipe resolved(const std::string& method, std::int64_t num_epochs) {
  Recipe recipe = method_recipe(method);
  recipe.dataset = DatasetKind::kShapes;
  recipe.num_epochs = num_epochs;
  recipe.warm_up = 2;
  resolve(recipe);
  return recipe;
}

TEST(Stages, MostMethodsHaveOne) {
  const Recipe recipe = resolved("bptplr", 20);
  const auto stages = stages_of(recipe);
  ASSERT_EQ(stages.size(), 1U);
  EXPECT_EQ(stages[0].first_epoch, 0);
  EXPECT_EQ(stages[0].recipe, recipe);
}

TEST(Stages, WarmUpIsCountedInEach) {
  EXPECT_EQ(warm_up_epochs(stages_of(resolved("bptplr", 20))), 2);
  const auto both = stages_of(resolved("longremix", 21));
  EXPECT_EQ(warm_up_epochs(both), 4);
  EXPECT_EQ(both[1].warm_up_end(), 13);
  EXPECT_EQ(warm_up_epochs(stages_of(resolved("ce", 20))), 0) << "nothing is divided after it";
}

TEST(Stages, ASecondRunHasHalfOfTheEpochsAndFieldsOfItsOwn) {
  const auto stages = stages_of(resolved("longremix", 21));
  ASSERT_EQ(stages.size(), 2U);
  const Recipe& first = stages[0].recipe;
  const Recipe& second = stages[1].recipe;
  EXPECT_EQ(first.num_epochs, 11);
  EXPECT_EQ(first.selection, SelectionKind::kHighConfidence);
  EXPECT_EQ(first.epoch_length, EpochLength::kLabelled);
  EXPECT_EQ(first.lr_steps, "");
  EXPECT_EQ(stages[1].first_epoch, 11);
  EXPECT_EQ(second.num_epochs, 10);
  EXPECT_EQ(second.selection, SelectionKind::kGmmConfident);
  EXPECT_EQ(second.epoch_length, EpochLength::kAll);
  EXPECT_EQ(second.lr_steps, "5:10") << "counted within the second run";
  EXPECT_EQ(second.trained_views, TrainedViews::kWeak) << "what is not named stays";
  EXPECT_TRUE(second.second_run.empty());
}

}  // namespace
}  // namespace bptplr
