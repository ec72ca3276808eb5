// Label noise model, fitted to the networks' predictions: the basis of every audit of labels.
//
// Model. An image x has a true class c with probability p_c(x), and receives the label y with
// probability T[c, y], the noise transition, which depends on the class alone. By Bayes' rule
//   P(true class c | x, y) = p_c(x) T[c, y] / sum_k p_k(x) T[k, y],
// and the label is wrong with probability 1 - P(y | x, y). The network's own confidence in the
// label, p_y(x), ignores the prior probability of a wrong label and of each wrong class; this does
// not. p(x) = softmax(z / temperature) with z the mean of the networks' logits. Networks trained on
// mixed images and sharpened targets are badly calibrated, in either direction; the temperature
// (Guo et al., "On Calibration of Modern Neural Networks", ICML 2017) corrects that.
//
// Fit. Uses the given labels and no true ones. At a given temperature, expectation maximisation
// finds T: the confusion matrix of a single annotator (Dawid and Skene 1979) with p(x) in place of
// the other annotators. Each row of T has a Dirichlet prior with uniform noise as its mean; the
// noise rate and the strength of the prior, in samples, maximise the likelihood of the counts
// (empirical Bayes): unstructured noise stays uniform, while noise between certain classes (cats
// labelled as dogs) is learnt. Temperatures are averaged over, weighted by their evidence in the
// approximation of Cheeseman and Stutz ("Bayesian Classification (AutoClass)", 1996), as it often
// has two optima. unmixing.hpp adds explanations by which the networks have learnt the noise.
// docs/audit.md compares this model and its alternatives on known noise.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "bpt_plr/results/audit/progress.hpp"
#include "engine/tensor.hpp"

namespace bptplr {

struct LabelModel {
  double temperature = 1.0;        ///< the mean, of its logarithm
  double noise_rate = 0.0;         ///< expected share of wrong labels, as the prior has it
  double prior_strength = 0.0;     ///< samples that the uniform prior of a row counts as
  std::vector<double> transition;  ///< [C, C] T[c, y] at c * C + y: true class c labelled as y
  std::vector<double> joint;       ///< [C, C] expected samples labelled y of true class c at y*C+c

  double expected_wrong = 0.0;  ///< expected number of wrong labels
  /// Between these lies the number of wrong labels with 95 %, by the model.
  std::array<double, 2> wrong_interval{};
  /// Weight, 0 to 1, of the explanation that the predictions follow wrong labels that the networks
  /// have learnt.
  double learnt_noise = 0.0;
  /// What predictions tell of the given labels, in nats a sample: gain in log-evidence over the
  /// frequencies of the labels alone. About 0, or less, for networks that know nothing.
  double information = 0.0;
  double sureness = 0.0;  ///< mean probability of the most probable class, before the label is seen

  /// [N] log of P(label wrong) / P(label right), finite. Still ranks two samples whose
  /// probabilities are both almost 1.
  std::vector<double> wrong_log_odds;
  /// [N] the most probable class other than the label.
  std::vector<std::int64_t> suggested;

  /// Returns P(label of sample i is wrong).
  double wrong_probability(std::size_t i) const;
};

/// Fits the model to `logits` [N, C], float32 on the CPU: z, the mean over the networks. Throws
/// Error for a logit that is not finite, fewer than two classes, no sample, lengths that differ and
/// a label outside [0, C). The results are the same bits for any number of threads. Beside the
/// logits it takes about twice their memory, and 8 C^2 bytes for each temperature that counts.
LabelModel fit_label_model(const Tensor& logits, std::span<const std::int64_t> labels,
                           const AuditProgress& progress = {});

}  // namespace bptplr
