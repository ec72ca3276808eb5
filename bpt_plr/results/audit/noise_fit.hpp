// Fits how labels go wrong, given probabilities of the true classes: a step of label_model.hpp.
#pragma once

#include <functional>
#include <limits>
#include <vector>

#include "bpt_plr/results/audit/labelled_samples.hpp"

namespace bptplr {

/// Returns the k-th of `count` numbers from `low` to `high`, evenly spaced in their logarithms.
double spaced(double low, double high, int k, int count);

/// Noise model at one temperature. The matrices are float32, as there are many of them.
struct NoiseFit {
  double temperature = 1.0;
  double noise_rate = 0.3;        ///< prior share of wrong labels
  double strength = 1e5;          ///< samples that the prior of a row counts as
  std::vector<float> transition;  ///< [C, C] probability that class c is labelled y at y * C + c
  std::vector<float> joint;       ///< [C, C] expected samples labelled y of class c at y * C + c
  double expected_wrong = 0.0;    ///< samples whose label is not their class
  double log_evidence = -std::numeric_limits<double>::infinity();
};

/// What somebody else has to say of a fit; each may be empty.
struct FitControl {
  /// Called between steps; an exception ends the fit.
  std::function<void()> alive;
  /// Asked after a few steps, with the fit's log-evidence and expected wrong labels by then:
  /// whether to give up, with the fit so far.
  std::function<bool(double log_evidence, double expected_wrong)> is_hopeless;
};

/// Fits transitions to the labels, with p(x) = softmax(z / temperature), by expectation
/// maximisation. `scratch` is memory that fits one after the other may share.
NoiseFit fit_noise(const LabelledSamples& samples, double temperature, const FitControl& control,
                   std::vector<float>& scratch);

}  // namespace bptplr
