// Instance-dependent label noise: the probability of a wrong label depends on the sample, an image
// or a vector.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/dataset.hpp"
#include "data/load_report.hpp"

namespace bptplr {

/// Returns the probabilities of the label of image x of true class y (Xia et al., "Part-dependent
/// Label Noise", NeurIPS 2020, algorithm 2): it stays y with probability 1 - q and becomes class c
/// != y with probability q softmax_{c != y}(x . W_y)_c. x [features], flattened and normalised;
/// weight [features, num_classes], W_y; q in [0, 1].
std::vector<double> instance_label_probabilities(std::span<const float> x,
                                                 std::span<const float> weight,
                                                 std::int64_t true_class, double q);

/// Draws labels from instance_label_probabilities: q of each sample is normal around `rate` with
/// standard deviation 0.1, truncated to [0, 1] by redrawing; the W_y are standard normal. Samples
/// are normalised with mean and std. Throws Error unless rate is in [0, 1], there are at least two
/// classes, each sample has a label of one of them, mean is finite, and std finite and > 0. Warns
/// where it takes more than a few seconds: time grows with the classes that occur times all
/// classes.
std::vector<std::int64_t> instance_noise(const Split& samples, std::span<const std::int64_t> labels,
                                         std::int64_t num_classes, std::span<const float> mean,
                                         std::span<const float> std, double rate,
                                         std::uint64_t seed, const LoadReport& report = {});

}  // namespace bptplr
