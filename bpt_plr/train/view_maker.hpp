// Creates the view maker that a recipe describes.
#pragma once

#include <memory>

#include "bpt_plr/recipe/recipe.hpp"
#include "data/dataset.hpp"
#include "data/views.hpp"

namespace bptplr {

/// Returns a maker of views of the samples of `split`, normalised as `dataset` says, on the
/// recipe's device and in its precision. The split must outlive it.
std::unique_ptr<ViewMaker> make_view_maker(const Recipe& recipe, const Dataset& dataset,
                                           const Split& split);

}  // namespace bptplr
