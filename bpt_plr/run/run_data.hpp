// Loads the data of an existing run again, and makes sure that it is what the run had.
#pragma once

#include "bpt_plr/recipe/recipe.hpp"
#include "bpt_plr/run/run_folder.hpp"
#include "bpt_plr/train/training_data.hpp"
#include "data/load_report.hpp"

namespace bptplr {

/// Loads the images that the run was trained and tested on, in its order, with the labels it was
/// trained on and its channel statistics. Images are found though their files have been moved,
/// relabelled or joined by others, of which `report` is told. A run of an earlier version, which
/// has recorded nothing, is loaded as its recipe says, with a warning. Throws Error that names what
/// has changed when an image is gone or has other pixels, or when the classes are others.
TrainingData reload_data(const RunFolder& run, const Recipe& recipe, const LoadReport& report = {});

/// Loads the test images of the run alone: training images may have changed.
Dataset reload_test_data(const RunFolder& run, const Recipe& recipe, const LoadReport& report = {});

/// Throws Error that names what has changed unless `data` is what the run has recorded, in order.
void require_recorded_data(const RunFolder& run, const TrainingData& data);

}  // namespace bptplr
