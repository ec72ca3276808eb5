// Reads the recipe and the networks of a run that has been trained or still is.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bpt_plr/recipe/recipe.hpp"
#include "bpt_plr/run/run_folder.hpp"
#include "models/network.hpp"

namespace bptplr {

/// Returns the run's recipe, resolved for `device`; on the CPU in float32, whatever it was trained
/// in. `data_path`, unless empty, replaces the data set's path. From then on a GPU
/// chooses by rule if the run was deterministic. Throws Error for an invalid config.json or an
/// unavailable device.
Recipe recipe_of_run(const RunFolder& run, DeviceChoice device, const std::string& data_path = "");

using Networks = std::vector<std::unique_ptr<Network>>;

/// Loads all networks that the run has written onto the recipe's device. Throws Error when there is
/// none yet or one does not fit the recipe.
Networks load_networks(const RunFolder& run, const Recipe& recipe);

/// Returns non-owning pointers to the networks.
std::vector<Network*> pointers_to(const Networks& networks);

/// Returns whether the written networks were trained on a partition of the training set in their
/// last epoch, according to metrics.jsonl.
bool trained_on_partition(const RunFolder& run);

}  // namespace bptplr
