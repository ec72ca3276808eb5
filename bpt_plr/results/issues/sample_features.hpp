// Features by which samples of a run are compared.
#pragma once

#include <cstdint>

#include "bpt_plr/run/trained_run.hpp"
#include "bpt_plr/train/evaluation.hpp"
#include "bpt_plr/train/training_data.hpp"

namespace bptplr {

/// Samples up to which all are compared with all, unless asked for: minutes on two cores.
inline constexpr std::int64_t kMostCompared = 100'000;

/// Returns features [N, D] of the training samples, float32 on the CPU: vectors as the data set has
/// them, normalised, and of images what the heads of the first network see. The vectors are not
/// those of a network because it has learnt the labels: near-duplicates of two classes would be
/// apart.
Tensor sample_features(const Networks& networks, const Recipe& recipe, const TrainingData& data,
                       const EvaluationProgress& progress = {});

}  // namespace bptplr
