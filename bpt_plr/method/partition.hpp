// Step 3 of an epoch: divides the training set into a labelled set, balanced over the classes, and
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
  std::int64_t budget = 0;               ///< maximum number of labelled samples per class
};

/// Labels, with n = #{w_i > threshold} and budget = floor(n / classes), the min(class size, budget)
/// samples of every noisy label with the largest w, of equal ones those with the lower index. (The
/// formula floor((n/N) N / C) of the method, free of rounding.) clean_probability: float64 [N], on
/// the device that computes the partition. Either set may be empty. Throws Error for lengths that
/// differ, a label outside [0, classes) or, on a CPU, a w outside [0, 1].
Partition balanced_partition(const Tensor& clean_probability,
                             std::span<const std::int64_t> noisy_labels, std::int64_t classes,
                             double threshold = 0.5);
Partition balanced_partition(std::span<const double> clean_probability,
                             std::span<const std::int64_t> noisy_labels, std::int64_t classes,
                             double threshold = 0.5);

/// Returns the area under the ROC curve of a score that is higher for more trustworthy labels:
/// P(score of a correct label > score of a wrong one), ties counting half; NaN if all labels are of
/// one kind. Skips samples whose true label is -1 (unknown). All spans have one length.
double correctness_auc(std::span<const double> score, std::span<const std::int64_t> noisy_labels,
                       std::span<const std::int64_t> true_labels);

/// Measures of how well the partition and the clean probability separate correct labels from wrong
/// ones. Undefined values (no labelled sample, no wrong label, ...) are NaN.
struct SelectionMetrics {
  std::int64_t n_labelled = 0;
  double precision = 0;  ///< correct labels among the labelled samples
  double recall = 0;     ///< labelled samples among those with a correct label
  double auc = 0;        ///< of the clean probability, see correctness_auc
};

/// Computes the metrics of a partition; samples whose true label is -1 (unknown) count only in
/// n_labelled. Throws Error for lengths that differ.
SelectionMetrics selection_metrics(const Partition& partition,
                                   std::span<const double> clean_probability,
                                   std::span<const std::int64_t> noisy_labels,
                                   std::span<const std::int64_t> true_labels);

}  // namespace bptplr
