// The training runs that a run is made of: one, or as in LongReMix (Cordeiro et al., Pattern
// Recognition 2023) two, of which the second one begins with new networks and with what the first
// one selected.
#pragma once

#include <cstdint>
#include <vector>

#include "bpt_plr/recipe.hpp"

namespace bptplr {

struct Stage {
  std::int64_t first_epoch = 0;  ///< of the whole run
  Recipe recipe;                 ///< resolved; its num_epochs are those of the stage
};

/// How many epochs the first or only training run of a recipe has.
std::int64_t stage_epochs(const Recipe& recipe);

/// What `resolve` does with the recipe of one stage.
void resolve_stage(Recipe& recipe);

/// The stages of a resolved recipe, in their order. Throws Error for a second_run that cannot be.
std::vector<Stage> stages_of(const Recipe& recipe);

}  // namespace bptplr
