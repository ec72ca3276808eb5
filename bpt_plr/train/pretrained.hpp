// Loads initial weights from a network that was trained for another task.
#pragma once

#include <filesystem>
#include <vector>

#include "bpt_plr/recipe/recipe.hpp"
#include "models/network.hpp"

namespace bptplr {

/// Copies tensors of a .safetensors or torch.save file (engine/io/torch/pth.hpp) that match by name
/// and shape into each of the identically built networks, and returns what matched. A tensor that
/// matches by name alone, e.g. a classifier of other classes, is left as it is. Throws Error if
/// nothing matches or the file cannot be read.
NamedTensors::Match load_pretrained(const std::filesystem::path& file,
                                    const std::vector<Network*>& networks);

/// Throws the Error that loading the file of a resolved recipe (if any) would throw, to detect it
/// before long work.
void check_pretrained(Recipe recipe);

}  // namespace bptplr
