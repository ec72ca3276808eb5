// How the labels of a training set came about, as far as the networks can tell: what every audit of
// labels rests on.
//
// The model. An image x has a true class c with probability p_c(x), and gets the label y with
// probability T[c, y], the noise transition, which depends on the class alone. By Bayes' rule
//   P(true class c | x, y) = p_c(x) T[c, y] / sum_k p_k(x) T[k, y],
// and the label is wrong with probability 1 - P(y | x, y). A network's own confidence in the label,
// p_y(x), leaves out how likely a wrong label is to begin with, and which: this does not.
// p(x) = softmax(z / temperature) with z the mean of the networks' logits. Networks that were
// trained on mixed images and sharpened targets are too timid or too bold by far; the temperature
// (Guo et al., "On Calibration of Modern Neural Networks", ICML 2017) mends that.
//
// The fit uses the labels that there are and no true one. At a given temperature, expectation
// maximisation finds T: a single annotator's confusion matrix (Dawid and Skene 1979) with p(x)
// where they have other annotators. Each row of T has a Dirichlet prior with uniform noise as its
// mean; the noise rate, and how many samples the prior counts as, are those under which the counts
// are most likely (empirical Bayes): noise without structure stays uniform, that cats are labelled
// as dogs is learnt. The temperature is the one with the largest evidence, by the approximation of
// Cheeseman and Stutz ("Bayesian Classification (AutoClass)", 1996); the likelihood alone would
// reward temperatures at which T has more to explain. docs/audit.md has what this and its
// alternatives came to on known noise.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/tensor.hpp"

namespace bptplr {

struct LabelModel {
  double temperature = 1.0;
  double noise_rate = 0.0;         ///< expected share of wrong labels, as the prior has it
  double prior_strength = 0.0;     ///< samples that the uniform prior of a row counts as
  std::vector<double> transition;  ///< [C, C] T[c, y] at c * C + y: true class c labelled as y
  std::vector<double> joint;       ///< [C, C] expected samples labelled y of true class c at y*C+c

  /// Of every sample: log of P(label wrong) / P(label right), finite. Of two samples that are as
  /// good as certain it still tells which is more so.
  std::vector<double> wrong_log_odds;
  /// Of every sample: the most probable class but for its label.
  std::vector<std::int64_t> suggested;

  /// P(label of sample i is wrong).
  double wrong_probability(std::size_t i) const;
};

/// `logits` [N, C], float32 on the CPU: z, the mean over the networks. Throws Error for a logit
/// that is not finite, for fewer than two classes, no sample, lengths that differ and a label
/// outside [0, C).
LabelModel fit_label_model(const Tensor& logits, std::span<const std::int64_t> labels);

}  // namespace bptplr
