// Samples of an epoch: the whole training set, or a random draw from it.
#pragma once

#include <cstdint>
#include <vector>

#include "bpt_plr/recipe/recipe.hpp"
#include "bpt_plr/train/training_data.hpp"

namespace bptplr {

/// The n samples of an epoch. Everything computed for them (outputs, losses, partitions) is indexed
/// 0..n-1 by position in this list; only images are indexed by their number in the training set.
struct EpochSamples {
  std::vector<std::int64_t> indices;       ///< in the training set, ascending
  std::vector<std::int64_t> noisy_labels;  ///< of these samples
  std::vector<std::int64_t> true_labels;   ///< of these samples; -1 = unknown

  std::int64_t size() const { return static_cast<std::int64_t>(indices.size()); }
};

/// Returns all samples if the resolved recipe's epoch_size is 0 or at least the size of the
/// training set; otherwise draws that many, the same number for each noisy label (balanced_draw),
/// anew in every epoch.
EpochSamples draw_epoch_samples(const Recipe& recipe, const TrainingData& data, std::int64_t epoch);

}  // namespace bptplr
