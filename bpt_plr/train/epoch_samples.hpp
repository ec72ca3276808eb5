// Which samples an epoch is about: the whole training set, or a draw of it.
#pragma once

#include <cstdint>
#include <vector>

#include "bpt_plr/recipe/recipe.hpp"
#include "bpt_plr/train/training_data.hpp"

namespace bptplr {

/// The n samples of an epoch. What an epoch makes of them (outputs, losses, partitions) is numbered
/// 0..n-1 by their place here; only images are found by their number in the training set.
struct EpochSamples {
  std::vector<std::int64_t> indices;       ///< in the training set, ascending
  std::vector<std::int64_t> noisy_labels;  ///< of these samples
  std::vector<std::int64_t> true_labels;   ///< of these samples; -1 = unknown

  std::int64_t size() const { return static_cast<std::int64_t>(indices.size()); }
};

/// All samples where the recipe's epoch_size is 0 or no smaller than the training set, else that
/// many: equally many of each noisy label (balanced_draw), other ones in every epoch. The recipe is
/// a resolved one.
EpochSamples draw_epoch_samples(const Recipe& recipe, const TrainingData& data, std::int64_t epoch);

}  // namespace bptplr
