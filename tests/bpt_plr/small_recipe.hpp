// Recipes with few images and a narrow network, for tests of whole runs.
#pragma once

#include <optional>
#include <string>

#include "bpt_plr/recipe/builtin.hpp"
#include "bpt_plr/recipe/recipe.hpp"

namespace bptplr {

/// Returns a recipe with 100 shapes, one epoch of warm-up and batches of 16. Not resolved, so that
/// tests can set the fields that they are about.
inline Recipe small_recipe(const std::string& method, std::optional<Preset> preset = {}) {
  Recipe recipe = method_recipe(method, preset);
  recipe.dataset = DatasetKind::kShapes;
  recipe.shapes_train = 100;
  recipe.shapes_test = 20;
  recipe.r = 0.2;
  recipe.width = 2;
  recipe.blocks = "1,1,1,1";
  recipe.low_dim = 8;
  recipe.batch_size = 16;
  recipe.warm_up = 1;
  recipe.warm_up_batch_factor = 1;
  recipe.p_threshold = 0.1;  // gives both sets samples
  return recipe;
}

}  // namespace bptplr
