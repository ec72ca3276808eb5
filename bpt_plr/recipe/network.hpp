// From a recipe to a network.
#pragma once

#include <memory>

#include "bpt_plr/recipe/recipe.hpp"
#include "models/network.hpp"

namespace bptplr {

/// A network as the resolved recipe wants it, with initial values of its own for each `index`, on
/// the recipe's device. Throws Error for a recipe that describes no network.
std::unique_ptr<Network> make_network(const Recipe& recipe, int index);

/// Throws Error when the recipe's network does not take images of side x side pixels.
void check_images(const Recipe& recipe, std::int64_t side);

}  // namespace bptplr
