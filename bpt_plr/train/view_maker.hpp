// Views as a recipe describes them.
#pragma once

#include "bpt_plr/recipe/recipe.hpp"
#include "data/dataset.hpp"
#include "data/views.hpp"

namespace bptplr {

/// Makes views of `images`, a split of `dataset`, on the recipe's device in its precision. The
/// images must outlive the result.
ViewMaker make_view_maker(const Recipe& recipe, const Dataset& dataset, const Images& images);

}  // namespace bptplr
