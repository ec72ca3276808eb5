// What a run trains on: images, their noisy labels and, where known, the true ones.
#pragma once

#include <cstdint>
#include <vector>

#include "bpt_plr/recipe.hpp"
#include "data/dataset.hpp"

namespace bptplr {

struct TrainingData {
  Dataset dataset;                         ///< train.labels are the official ones
  std::vector<std::int64_t> noisy_labels;  ///< [N], what the networks are given
  std::vector<std::int64_t> true_labels;   ///< [N], for reports only; -1 = unknown
};

/// Loads the recipe's data set, draws the subset, and adds the label noise: from `noise_file` if
/// given (a list for the whole training set or for the subset), else by `noise_mode` and `r`.
/// Throws Error for anything missing or malformed.
TrainingData load_training_data(const Recipe& recipe);

/// Only the data set, as `bptplr eval` needs it.
Dataset load_dataset(const Recipe& recipe);

}  // namespace bptplr
