// Weights to start from: a network trained for something else.
#pragma once

#include <filesystem>
#include <vector>

#include "bpt_plr/recipe/recipe.hpp"
#include "models/network.hpp"

namespace bptplr {

/// Copies from a .safetensors file, or else one of torch.save (engine/io/torch/pth.hpp), whatever
/// matches by name and shape into each of the networks, which are alike, and says what. A tensor
/// that matches by name alone, as a classifier of other classes may, is left as it is. Throws Error
/// when nothing matches, or the file cannot be read.
NamedTensors::Match load_pretrained(const std::filesystem::path& file,
                                    const std::vector<Network*>& networks);

/// Throws the Error that the file of a resolved recipe (none: nothing happens) will cause, for
/// those who have long work to do before.
void check_pretrained(Recipe recipe);

}  // namespace bptplr
