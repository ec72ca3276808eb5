// Every kind of an exchangeable part that a recipe can name can be made.
#include "bpt_plr/method/part_table.hpp"

#include <gtest/gtest.h>

#include "bpt_plr/method/contrast.hpp"
#include "bpt_plr/method/pseudo_labels.hpp"
#include "bpt_plr/method/selection.hpp"
#include "bpt_plr/method/statistic.hpp"

namespace bptplr {
namespace {

Recipe with_classes() {
  Recipe recipe;
  recipe.num_class = 3;
  recipe.device = DeviceChoice::kCpu;
  return recipe;
}

TEST(PartTable, HasARowForEveryStatistic) {
  Recipe recipe = with_classes();
  for (const auto& [kind, name] : names_of(StatisticKind{})) {
    recipe.statistic = kind;
    if (kind == StatisticKind::kNone) continue;
    EXPECT_NE(make_statistic(recipe), nullptr) << name;
  }
}

TEST(PartTable, HasARowForEverySelection) {
  Recipe recipe = with_classes();
  for (const auto& [kind, name] : names_of(SelectionKind{})) {
    recipe.selection = kind;
    if (kind == SelectionKind::kNone) continue;
    EXPECT_NE(make_selection(recipe), nullptr) << name;
  }
}

TEST(PartTable, HasARowForEveryContrast) {
  Recipe recipe = with_classes();
  for (const auto& [kind, name] : names_of(ContrastKind{})) {
    recipe.contrastive = kind;
    EXPECT_NE(make_contrast(recipe), nullptr) << name;
  }
}

TEST(PartTable, HasARowForEveryPseudoLabel) {
  Recipe recipe = with_classes();
  for (const auto& [kind, name] : names_of(PseudoLabelKind{})) {
    recipe.pseudo_label = kind;
    EXPECT_NE(make_pseudo_labels(recipe), nullptr) << name;
  }
}

TEST(PartTable, WithoutARowThereIsNoPart) {
  Recipe recipe = with_classes();
  recipe.selection = SelectionKind::kNone;
  EXPECT_THROW(make_selection(recipe), std::logic_error);
}

}  // namespace
}  // namespace bptplr
