// Finds the explanations of all labels that label_model.hpp averages over.
#pragma once

#include <optional>
#include <vector>

#include "bpt_plr/results/audit/model_average.hpp"
#include "bpt_plr/results/audit/progress.hpp"

namespace bptplr {

class Explainer {
 public:
  /// Both must outlive this object, and the samples its explanations.
  Explainer(const LabelledSamples& samples, ProgressCounter& progress)
      : samples_(samples), progress_(progress) {}

  /// Parts of the work that the next two count.
  static std::int64_t parts();

  /// Fits the temperatures of the grid, and those between that may matter.
  void explain_by_classes();
  /// Takes the networks to have learnt the noise.
  void explain_by_labels();

  const Explanation& best() const;
  /// Leaves out what has no weight; returns the weights of the others.
  std::vector<double> weigh();
  std::vector<Support> supports() const;
  const std::vector<Explanation>& all() const { return all_; }

  /// Returns by what to multiply the number of wrong labels of unmixed explanations: unmixing cuts
  /// some off, and confident learning, of the same hypothesis, finds those that it finds.
  double raise(const std::vector<double>& weights) const;

 private:
  void add(const LabelledSamples& samples, double temperature, bool unmixed);
  /// Returns whether a fit that is not yet done will have no weight.
  bool is_hopeless(bool unmixed, double log_evidence, double expected_wrong) const;
  /// Frees the matrices of explanations that will have no weight.
  void release_hopeless(bool unmixed);
  /// Returns the greatest log-evidence of a kind so far.
  double most(bool unmixed) const;

  const LabelledSamples& samples_;
  ProgressCounter& progress_;
  std::optional<std::vector<float>> unmixed_;
  std::optional<LabelledSamples> unmixed_samples_;
  std::vector<Explanation> all_;
  std::vector<float> scratch_;
};

}  // namespace bptplr
