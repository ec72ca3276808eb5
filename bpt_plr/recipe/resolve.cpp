#include "bpt_plr/recipe/resolve.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "bpt_plr/recipe/checks.hpp"
#include "bpt_plr/recipe/json.hpp"
#include "bpt_plr/recipe/network.hpp"
#include "bpt_plr/recipe/schedules.hpp"
#include "bpt_plr/recipe/stages.hpp"
#include "data/sets/dataset_table.hpp"

namespace bptplr {
namespace {

/// Epochs until the published cosine schedule reaches its lowest learning rate.
constexpr std::int64_t kPublishedPeriod = 380;

void choose_data(Recipe& recipe) {
  const DatasetInfo& data = dataset_info(recipe.dataset);
  if (recipe.num_class == 0) recipe.num_class = data.num_classes;
  if (recipe.noise_mode == NoiseMode::kAuto) {
    recipe.noise_mode = data.has_own_noise() ? NoiseMode::kNone : NoiseMode::kSym;
  }
  if (recipe.exif == UseExif::kAuto) {
    recipe.exif = data.turns_upright ? UseExif::kTrue : UseExif::kFalse;
  }
  if (recipe.image_size == 0) recipe.image_size = data.usual_image_size;
}

/// Throws Error for an unknown method in a recipe that was filled in by code.
void check_method_name(const Recipe& recipe) {
  Recipe copy;
  update_recipe(copy, {{"method", recipe.method}}, "recipe");
}

}  // namespace

void resolve_network(Recipe& recipe) {
  if (recipe.blocks.empty()) recipe.blocks = usual_blocks(recipe.arch);
  check_network(recipe);
}

void resolve_stage(Recipe& recipe) {
  check_method_name(recipe);
  choose_data(recipe);
  const std::int64_t epochs = stage_epochs(recipe);
  if (recipe.lr_period == 0) recipe.lr_period = std::min(epochs, kPublishedPeriod);
  recipe.lr_steps = resolve_percentages(recipe.lr_steps, "lr_steps", epochs);
  recipe.kappa = resolve_percentages(recipe.kappa, "kappa", epochs);
  if (recipe.loss_history == 0) recipe.loss_history = std::abs(recipe.r - 0.9) < 1e-6 ? 5 : 1;
  check_data(recipe);
  resolve_network(recipe);
  check_training(recipe);
  check_views(recipe);
  check_warm_up(recipe);
  check_selection(recipe);
  check_method(recipe);
  const bool on_cpu = choose_device(recipe.device).type == DeviceType::kCpu;
  recipe.device = on_cpu ? DeviceChoice::kCpu : DeviceChoice::kCuda;
  check_machine(recipe);
}

void resolve(Recipe& recipe) {
  resolve_stage(recipe);
  stages_of(recipe);  // throws for an invalid second run
}

}  // namespace bptplr
