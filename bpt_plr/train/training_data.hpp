// What a run trains on: images, their noisy labels and, where known, the true ones.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "bpt_plr/recipe/recipe.hpp"
#include "data/dataset.hpp"
#include "data/load_report.hpp"

namespace bptplr {

struct TrainingData {
  Dataset dataset;                         ///< train.labels are the official ones, wrong or not
  std::vector<std::int64_t> noisy_labels;  ///< [N], what the networks are given
  std::vector<std::int64_t> true_labels;   ///< [N], for reports only; -1 = unknown
};

/// Loads the recipe's data set, draws the subset, and adds the label noise: from `noise_file` if
/// given (a list for the whole training set or for the subset), else by `noise_mode` and `r`.
/// The recipe is a resolved one; where its num_class is 0, the data set's counts. Image files that
/// are left out have no place in the lists of labels. Throws Error for anything missing or
/// malformed.
TrainingData load_training_data(const Recipe& recipe, const LoadReport& report = {});

/// The same for a run that there has been, with the labels that it trained on: `labels` is the list
/// that its folder keeps, one for each image of the recipe's training set or subset, and the noise
/// that the recipe tells of is not made again. Throws Error where it is not as long as that.
TrainingData reload_training_data(const Recipe& recipe, const std::filesystem::path& labels,
                                  const LoadReport& report = {});

/// How a resolved recipe's labels come to be wrong, as a part of names: "sym40", "human_worse",
/// "file", "none".
std::string noise_name(const Recipe& recipe);

/// Only the data set, as `bptplr eval` needs it.
Dataset load_dataset(const Recipe& recipe, const LoadReport& report = {});

}  // namespace bptplr
