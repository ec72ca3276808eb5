// Step 3 of an epoch: the training set is cut into a labelled set, balanced over the classes, and
// an unlabelled rest (UNICON, Karim et al., CVPR 2022, section 3.2; LongReMix 2022).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/tensor.hpp"

namespace bptplr {

struct Partition {
  std::vector<std::int64_t> labelled;    ///< sample indices, ascending
  std::vector<std::int64_t> unlabelled;  ///< all others, ascending
  std::int64_t budget = 0;               ///< labelled samples a class may have
};

/// With n = #{w_i > threshold} and budget = floor(n / classes): of every noisy label the
/// min(class size, budget) samples with the largest w are labelled, of equal ones those with the
/// lower index. (The formula floor((n/N) N / C) of the method, free of rounding.)
/// clean_probability: float64 [N], on the device where this is computed. Either set may come out
/// empty. Throws Error for lengths that differ, a label outside [0, classes) or, on a CPU, a w
/// outside [0, 1].
Partition balanced_partition(const Tensor& clean_probability,
                             std::span<const std::int64_t> noisy_labels, std::int64_t classes,
                             double threshold = 0.5);
Partition balanced_partition(std::span<const double> clean_probability,
                             std::span<const std::int64_t> noisy_labels, std::int64_t classes,
                             double threshold = 0.5);

/// Area under the ROC curve of a score that should be higher for correct labels than for wrong
/// ones: P(score of a correct label > score of a wrong one), ties counting half; NaN where all
/// labels are of one kind. Samples whose true label is -1 (unknown) are left out. All spans have
/// one length.
double correctness_auc(std::span<const double> score, std::span<const std::int64_t> noisy_labels,
                       std::span<const std::int64_t> true_labels);

/// How well the partition and the clean probability tell correct labels from wrong ones. What is
/// not defined (no labelled sample, no wrong label, ...) is NaN.
struct SelectionMetrics {
  std::int64_t n_labelled = 0;
  double precision = 0;  ///< correct labels among the labelled samples
  double recall = 0;     ///< labelled samples among those with a correct label
  double auc = 0;        ///< of the clean probability, see correctness_auc
};

/// Samples whose true label is -1 (unknown) take no part but in n_labelled. Throws Error for
/// lengths that differ.
SelectionMetrics selection_metrics(const Partition& partition,
                                   std::span<const double> clean_probability,
                                   std::span<const std::int64_t> noisy_labels,
                                   std::span<const std::int64_t> true_labels);

}  // namespace bptplr
