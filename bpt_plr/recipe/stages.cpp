#include "bpt_plr/recipe/stages.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string_view>

#include "bpt_plr/recipe/fields.hpp"
#include "bpt_plr/recipe/json.hpp"
#include "bpt_plr/recipe/resolve.hpp"
#include "engine/error.hpp"

namespace bptplr {
namespace {

constexpr const char* kSecondRun = "second_run";
/// Groups of fields that a second run shares with the first, besides kSharedFields.
constexpr std::array<std::string_view, 3> kSharedGroups{"Data", "Network", kMachineGroup};
constexpr std::array<std::string_view, 6> kSharedFields{"preset",     "method", "networks",
                                                        "num_epochs", "seed",   kSecondRun};

void require_free(const RecipeField& field) {
  const bool shared = std::ranges::find(kSharedGroups, field.group) != kSharedGroups.end() ||
                      std::ranges::find(kSharedFields, field.name) != kSharedFields.end();
  require(!shared, "second_run changes {}, which both runs share; leave it out there", field.name);
}

Recipe second_recipe(const Recipe& recipe) {
  const nlohmann::json changes = parse_fields(recipe.second_run, kSecondRun);
  for (const RecipeField& field : recipe_fields()) {
    if (changes.contains(field.name)) require_free(field);
  }
  Recipe second = recipe;
  second.second_run.clear();
  second.num_epochs = recipe.num_epochs - stage_epochs(recipe);
  update_recipe(second, changes, kSecondRun);
  return second;
}

}  // namespace

std::int64_t Stage::warm_up_end() const {
  return first_epoch + (divides(recipe) ? std::min(recipe.warm_up, recipe.num_epochs) : 0);
}

std::int64_t warm_up_epochs(std::span<const Stage> stages) {
  std::int64_t epochs = 0;
  for (const Stage& stage : stages) epochs += stage.warm_up_end() - stage.first_epoch;
  return epochs;
}

std::int64_t stage_epochs(const Recipe& recipe) {
  return recipe.second_run.empty() ? recipe.num_epochs : (recipe.num_epochs + 1) / 2;
}

std::vector<Stage> stages_of(const Recipe& recipe) {
  require(recipe.selection != SelectionKind::kGmmConfident,
          "selection gmm_confident needs the set that a first run finds; use it in second_run");
  if (recipe.second_run.empty()) return {{0, recipe}};
  require(recipe.num_epochs >= 2, "num_epochs is 1, but two runs need 2 at least");
  require(stage_epochs(recipe) > recipe.warm_up,
          "the first of two runs has {} of {} epochs, all of them warm-up; use a shorter warm_up",
          stage_epochs(recipe), recipe.num_epochs);
  Stage first{0, recipe};
  first.recipe.second_run.clear();
  first.recipe.num_epochs = stage_epochs(recipe);
  Stage second{first.recipe.num_epochs, second_recipe(recipe)};
  require(second.recipe.selection != SelectionKind::kGmmConfident ||
              recipe.selection == SelectionKind::kHighConfidence,
          "second_run has selection=gmm_confident, which needs the set that a first run with "
          "selection high_confidence finds, but selection is {}",
          recipe.selection);
  resolve_stage(second.recipe);
  return {std::move(first), std::move(second)};
}

}  // namespace bptplr
