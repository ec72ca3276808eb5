// A run that has been trained, or still is: its recipe on this machine and its networks.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bpt_plr/recipe/recipe.hpp"
#include "bpt_plr/run/run_folder.hpp"
#include "models/network.hpp"

namespace bptplr {

/// The run's recipe, resolved for `device`; in float32 on the CPU,
/// whatever it was trained in. `data_path`, unless empty, is where the data set has moved. Throws
/// Error for a config.json that is none, and for a device that is not there.
Recipe recipe_of_run(const RunFolder& run, DeviceChoice device, const std::string& data_path = "");

using Networks = std::vector<std::unique_ptr<Network>>;

/// All networks that the run has written, on the recipe's device. Throws Error when there is none
/// yet or one does not fit the recipe.
Networks load_networks(const RunFolder& run, const Recipe& recipe);

/// The same without who owns them.
std::vector<Network*> pointers_to(const Networks& networks);

/// Whether the epoch that the written networks come from trained them on a partition of the
/// training set, by what the run reports of it.
bool trained_on_partition(const RunFolder& run);

}  // namespace bptplr
