// Creates the view maker that a recipe describes.
#pragma once

#include "bpt_plr/recipe/recipe.hpp"
#include "data/dataset.hpp"
#include "data/views.hpp"

namespace bptplr {

/// Returns a maker of views of `images`, a split of `dataset`, on the recipe's device and in its
/// precision. The images must outlive it.
ViewMaker make_view_maker(const Recipe& recipe, const Dataset& dataset, const Images& images);

}  // namespace bptplr
