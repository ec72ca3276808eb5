// Averages explanations of the given labels: a step of label_model.hpp.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "bpt_plr/results/audit/noise_fit.hpp"

namespace bptplr {

/// One explanation of all labels: what is predicted, and how labels go wrong.
struct Explanation {
  const LabelledSamples* samples = nullptr;  ///< with predictions of the classes
  bool unmixed = false;  ///< whether the network is taken to have learnt the noise
  NoiseFit fit;
};

/// What the weights of explanations depend on.
struct Support {
  bool unmixed = false;
  double log_evidence = 0.0;
  double expected_wrong = 0.0;
};

/// Returns the weights, which sum to 1, of explanations of `count` labels. Without one that is not
/// unmixed, the result is undefined.
std::vector<double> weights_of(std::span<const Support> explanations, double count);

/// Returns by how much the log-evidence of an explanation of `count` labels may be below that of
/// another of its kind, beyond which its weight is less than a billionth of the other's.
double reach_of_weights(double count);

/// Returns by how much the log-evidence of learnt noise that finds `more` wrong labels than the
/// other kind may be behind; with more its weight is next to nothing.
double most_cost_of_learnt_noise(double more);

/// Share of explanations that take the network to have learnt the noise.
double unmixed_share(std::span<const Explanation> explanations, std::span<const double> weights);

/// Returns the log-odds of both kinds of explanations together, of which `share` is the weight of
/// those that take the network to have learnt the noise: `plain` where it is 0.
double pooled_odds(double plain, double unmixed, double share);

/// Returns what to add to all log-odds so that their probabilities sum to `number`.
double shift_to_number(std::span<const double> odds, double number);

/// Samples are dealt to this many blocks, sample i to block i % kBlocks, which are drawn anew
/// instead of samples for intervals.
inline constexpr std::int64_t kBlocks = 100;

/// Sums over the samples of a block, by explanation.
struct BlockSums {
  std::vector<double> log_likelihood;
  std::vector<double> wrong;     ///< probabilities that labels are wrong
  std::vector<double> variance;  ///< p (1 - p) of these
  std::vector<double> sureness;  ///< probabilities of the most probable classes
};

/// Returns the bounds between which the number of wrong labels lies with 95 %: drawn from the
/// explanations by their weights, on blocks drawn with replacement, and as labels fall by their
/// probabilities. Numbers of unmixed ones are multiplied by `raise`. The same for the same input.
std::array<double, 2> wrong_interval(std::span<const Support> explanations,
                                     std::span<const BlockSums> blocks, std::int64_t count,
                                     double raise);

}  // namespace bptplr
