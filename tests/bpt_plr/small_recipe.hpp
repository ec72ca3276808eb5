// A method on few images with a narrow network, for tests of whole runs.
#pragma once

#include <optional>
#include <string>

#include "bpt_plr/recipe/builtin.hpp"
#include "bpt_plr/recipe/recipe.hpp"

namespace bptplr {

/// 100 shapes, one epoch of warm-up, batches of 16. Not resolved: tests set what they are about.
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
  recipe.p_threshold = 0.1;  // so that both sets have samples
  return recipe;
}

}  // namespace bptplr
