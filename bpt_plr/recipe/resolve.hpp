// From the recipe that a user gave to one in which every field has its value.
#pragma once

#include "bpt_plr/recipe/recipe.hpp"

namespace bptplr {

/// Replaces the values that mean "choose for me" (lr_period 0, loss_history 0, 50% of the epochs,
/// ...) by what they come to (device becomes kCpu or kCuda), and checks every field and their
/// combination; only `threads`, `cache_dir` and `out` stay as they are, and num_class 0 where only
/// the data know it. Throws Error naming the field.
void resolve(Recipe& recipe);

/// Does that for the recipe of one stage.
void resolve_stage(Recipe& recipe);

/// Does the part of `resolve` that make_network needs, where there are no data to train on.
void resolve_network(Recipe& recipe);

}  // namespace bptplr
