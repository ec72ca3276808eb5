// Stages of a run: one training run, or as in LongReMix (Cordeiro et al., Pattern Recognition 2023)
// two, of which the second starts with new networks and the selection of the first.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "bpt_plr/recipe/recipe.hpp"

namespace bptplr {

struct Stage {
  std::int64_t first_epoch = 0;  ///< of the whole run
  Recipe recipe;                 ///< resolved; its num_epochs are those of the stage

  /// Returns the epoch of the whole run after the last of the warm-up, which begins with
  /// first_epoch; without a division, first_epoch.
  std::int64_t warm_up_end() const;
};

/// Returns the number of epochs of a recipe's first or only training run.
std::int64_t stage_epochs(const Recipe& recipe);

/// Returns the number of warm-up epochs of all stages.
std::int64_t warm_up_epochs(std::span<const Stage> stages);

/// Returns the stages of a resolved recipe in order. Throws Error for an invalid second_run.
std::vector<Stage> stages_of(const Recipe& recipe);

}  // namespace bptplr
