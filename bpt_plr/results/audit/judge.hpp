// Judges single labels by all explanations: the last step of label_model.hpp.
#pragma once

#include <span>
#include <vector>

#include "bpt_plr/results/audit/model_average.hpp"
#include "bpt_plr/results/audit/progress.hpp"

namespace bptplr {

/// What the explanations say of each sample, averaged.
struct Judgement {
  std::vector<double> wrong_log_odds;   ///< [N] see LabelModel
  std::vector<std::int64_t> suggested;  ///< [N] the most probable class other than the label
  std::vector<BlockSums> blocks;
};

/// Parts of the work that judge_samples counts.
inline constexpr std::int64_t kPartsOfJudging = 10;

Judgement judge_samples(const LabelledSamples& samples, std::span<const Explanation> explanations,
                        std::span<const double> weights, ProgressCounter& progress);

}  // namespace bptplr
