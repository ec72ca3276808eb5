// Resolution of a user's recipe into one in which every field has its final value.
#pragma once

#include "bpt_plr/recipe/recipe.hpp"

namespace bptplr {

/// Replaces automatic values (lr_period 0, loss_history 0, 50% of the epochs, ...) by their final
/// ones (device becomes kCpu or kCuda), and checks every field and their combination. `threads`,
/// `cache_dir` and `out` stay as they are, and so does num_class 0 if only the data define it.
/// Throws Error naming the field.
void resolve(Recipe& recipe);

/// Resolves the recipe of one stage.
void resolve_stage(Recipe& recipe);

/// Resolves the fields that make_network needs, for uses without training data.
void resolve_network(Recipe& recipe);

}  // namespace bptplr
