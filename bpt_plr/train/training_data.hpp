// Loads what a run trains on: images, noisy labels and, where known, true labels.
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
  Dataset dataset;                         ///< train.labels are the official ones, right or wrong
  std::vector<std::int64_t> noisy_labels;  ///< [N] labels that the networks are trained on
  std::vector<std::int64_t> true_labels;   ///< [N] for reports only; -1 = unknown
  /// Whether the set's files are others, or in another order, than these: a list of labels of these
  /// would not be one of the set's.
  bool files_changed = false;
};

/// Loads the resolved recipe's data set, draws the subset, and adds label noise: from `noise_file`
/// if given (a list for the whole training set or for the subset), else by `noise_mode` and `r`. If
/// num_class is 0, the data set decides it. Image files that are left out have no entry in the
/// label lists. Throws Error for anything missing or malformed.
TrainingData load_training_data(const Recipe& recipe, const LoadReport& report = {});

/// Loads the data of an existing run with the labels it was trained on: the list `labels` of its
/// folder, one for each image of the recipe's training set or subset. No noise is generated. Throws
/// Error if the length of the list differs.
TrainingData reload_training_data(const Recipe& recipe, const std::filesystem::path& labels,
                                  const LoadReport& report = {});

/// Returns the samples of a training set that the recipe uses, ascending.
std::vector<std::int64_t> training_subset(const Recipe& recipe,
                                          const std::vector<std::int64_t>& labels,
                                          std::int64_t num_classes);

/// Returns the known true labels of a training set, -1 = unknown. Where noise is generated,
/// official labels count as true unless better ones are known: it is this run's noise that is to be
/// found.
std::vector<std::int64_t> known_truth(const Recipe& recipe, const Split& train);

/// Returns a resolved recipe's noise as a part of names: "sym40", "human_worse", "file", "none".
std::string noise_name(const Recipe& recipe);

/// Loads the data set alone, e.g. for `bptplr eval`.
Dataset load_dataset(const Recipe& recipe, const LoadReport& report = {});

}  // namespace bptplr
