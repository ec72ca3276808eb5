// From a recipe to a network.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "bpt_plr/recipe/recipe.hpp"
#include "models/network.hpp"
#include "models/network_config.hpp"

namespace bptplr {

/// Returns the `blocks` of the published network; empty for one without stages of residual blocks.
std::string usual_blocks(Arch arch);

/// Returns the network that a recipe describes; its `blocks` must be filled in. Throws Error for
/// `blocks` that are none.
NetworkConfig network_config(const Recipe& recipe);

/// Makes a network as the resolved recipe wants it, with initial values of its own for each
/// `index`, on the recipe's device. Throws Error for a recipe that describes no network.
std::unique_ptr<Network> make_network(const Recipe& recipe, int index);

/// Throws Error when the recipe's network does not take images of side x side pixels.
void check_images(const Recipe& recipe, std::int64_t side);

}  // namespace bptplr
