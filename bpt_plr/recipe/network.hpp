// Creates the network that a recipe describes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "bpt_plr/recipe/recipe.hpp"
#include "models/network.hpp"
#include "models/network_config.hpp"

namespace bptplr {

/// Returns the `blocks` of the published network; empty for a network without residual stages.
std::string usual_blocks(Arch arch);

/// Returns the network configuration of a recipe, whose `blocks` must be filled in. Throws Error
/// for invalid `blocks`.
NetworkConfig network_config(const Recipe& recipe);

/// Creates the network of a resolved recipe on the recipe's device; each `index` has different
/// initial values. Throws Error for an invalid network.
std::unique_ptr<Network> make_network(const Recipe& recipe, int index);

/// Throws Error if the recipe's network does not support images of this size.
void check_images(const Recipe& recipe, std::int64_t height, std::int64_t width);

}  // namespace bptplr
