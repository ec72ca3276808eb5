#include "bpt_plr/recipe/old_run.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string_view>

#include "bpt_plr/recipe/fields.hpp"

namespace bptplr {
namespace {

constexpr const char* kPoolSide = "pool_side";
constexpr const char* kExif = "exif";

/// Fields that recipes got after runs had been written without them.
constexpr std::array<std::string_view, 17> kLaterFields{
    "labels",       "test_features", "test_labels", "weak_drop", "weak_noise",     "strong_drop",
    "strong_noise", "feature_dim",   "depth",       "dropout",   "deterministic",  kPoolSide,
    kExif,          "cache_limit",   "log_format",  "quiet",     "sync_batch_norm"};

bool is_later(std::string_view field) {
  return std::ranges::find(kLaterFields, field) != kLaterFields.end();
}

bool is_of_a_run(const nlohmann::json& recipe) {
  return std::ranges::all_of(recipe_fields(), [&](const RecipeField& field) {
    return is_later(field.name) || recipe.contains(field.name);
  });
}

}  // namespace

nlohmann::json with_later_fields(nlohmann::json recipe) {
  if (!recipe.is_object() || !is_of_a_run(recipe)) return recipe;
  // VGG used to have the mean over all positions, and nothing else.
  const bool is_vgg = recipe["arch"] == name_of(Arch::kVgg19Bn);
  if (is_vgg && !recipe.contains(kPoolSide)) recipe[kPoolSide] = 1;
  if (!recipe.contains(kExif)) recipe[kExif] = "false";  // pictures as they are stored
  return recipe;
}

}  // namespace bptplr
