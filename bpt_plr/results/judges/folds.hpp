// Predictions of networks that have not learnt a sample's label: the run's recipe is trained anew
// on all folds but one, for each fold.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "bpt_plr/recipe/recipe.hpp"
#include "bpt_plr/run/run_folder.hpp"
#include "bpt_plr/run/stop_condition.hpp"
#include "bpt_plr/train/training_data.hpp"

namespace bptplr {

/// Returns the fold, 0 to folds - 1, of each sample: of every class as nearly as possible the same
/// number in each, drawn by the seed.
std::vector<std::int64_t> folds_of(std::span<const std::int64_t> labels, std::int64_t num_classes,
                                   std::int64_t folds, std::uint64_t seed);

/// Receives the epochs of all folds that are done, and their number.
using FoldProgress = std::function<void(std::int64_t done, std::int64_t total)>;

/// Trains the recipe of a run on its data without each fold in turn, in RUN/folds/OF_FOLDS-K, where
/// training that was stopped goes on; returns the logits [N, C] of every sample by the networks
/// that were trained without it, the mean over the networks, on the CPU. An undefined tensor where
/// `stop` ended the training. Throws Error for fewer than two folds or fewer samples of a class,
/// and as TrainingRun does.
Tensor out_of_fold_logits(const RunFolder& run, const Recipe& recipe, const TrainingData& data,
                          std::int64_t folds, const StopCondition& stop,
                          const FoldProgress& progress = {});

}  // namespace bptplr
