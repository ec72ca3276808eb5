// Fits how labels go wrong, given probabilities of the true classes: a step of label_model.hpp.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace bptplr {

/// Samples with a prediction and a label each. The pointers are the caller's.
struct LabelledSamples {
  std::int64_t count;
  std::int64_t classes;
  const float* logits;  ///< [count, classes]
  std::span<const std::int64_t> labels;
  std::vector<std::vector<std::int64_t>> members;  ///< samples of each label

  LabelledSamples(std::int64_t count, std::int64_t classes, const float* logits,
                  std::span<const std::int64_t> labels);

  std::span<const float> row(std::int64_t i) const {
    return {logits + i * classes, static_cast<std::size_t>(classes)};
  }
  std::int64_t label(std::int64_t i) const { return labels[static_cast<std::size_t>(i)]; }
};

/// Number of samples that a thread processes at a time.
inline constexpr std::int64_t kAuditGrain = 1024;

/// Returns the k-th of `count` numbers from `low` to `high`, evenly spaced in their logarithms.
double spaced(double low, double high, int k, int count);

/// Returns softmax(z / temperature) [count, classes] of all samples.
std::vector<float> tempered(const LabelledSamples& samples, double temperature);

/// Noise model at one temperature.
struct NoiseFit {
  double temperature = 1.0;
  double noise_rate = 0.3;         ///< prior share of wrong labels
  double strength = 1e5;           ///< samples that the prior of a row counts as
  std::vector<double> transition;  ///< [C, C], true class first
  std::vector<double> joint;       ///< [C, C], label first
  double log_likelihood = 0.0;     ///< of the labels, at the fitted transitions
  double log_evidence = -std::numeric_limits<double>::infinity();
};

/// Fits transitions to the labels, with p(x) = softmax(z / temperature), by expectation
/// maximisation.
NoiseFit fit_noise(const LabelledSamples& samples, double temperature);

}  // namespace bptplr
