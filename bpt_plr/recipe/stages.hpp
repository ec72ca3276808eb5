// The training runs that a run consists of: one, or as in LongReMix (Cordeiro et al., Pattern
// Recognition 2023) two, of which the second one begins with new networks and with what the first
// one selected.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "bpt_plr/recipe/recipe.hpp"

namespace bptplr {

struct Stage {
  std::int64_t first_epoch = 0;  ///< of the whole run
  Recipe recipe;                 ///< resolved; its num_epochs are those of the stage

  /// The epoch of the whole run that ends the warm-up, which begins with first_epoch.
  std::int64_t warm_up_end() const;
};

/// Returns how many epochs the first or only training run of a recipe has.
std::int64_t stage_epochs(const Recipe& recipe);

/// Returns how many epochs of all stages are warm-up.
std::int64_t warm_up_epochs(std::span<const Stage> stages);

/// Returns the stages of a resolved recipe, in their order. Throws Error for a second_run that
/// cannot be.
std::vector<Stage> stages_of(const Recipe& recipe);

}  // namespace bptplr
