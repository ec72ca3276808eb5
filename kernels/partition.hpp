// Balanced partition (UNICON, Karim et al., CVPR 2022, section 3.2; LongReMix 2022): with n_clean =
// #{w_i > threshold} and budget = floor(n_clean / classes), of every noisy label the min(class
// size, budget) samples with the largest w are labelled, of equal ones those with the lower index.
// (The formula floor((n_clean / N) N / C) of the method, free of rounding.)
#pragma once

#include <cstdint>

#include "kernels/context.hpp"

namespace bptplr::kernels {

struct PartitionSizes {
  std::int64_t labelled = 0;
  std::int64_t unlabelled = 0;
  std::int64_t budget = 0;  ///< maximum number of labelled samples per class
};

/// Partitions n samples by clean_probability [n] in [0, 1] and noisy_labels [n] in [0, classes),
/// classes > 0. samples [n]: the labelled samples, ascending, then the unlabelled ones, ascending.
/// Waits for a GPU, as the host needs the sizes to plan the epoch.
template <class Context>
PartitionSizes balanced_partition(const Context& ctx, std::int64_t n, std::int64_t classes,
                                  double threshold, const double* clean_probability,
                                  const std::int64_t* noisy_labels, std::int64_t* samples);

}  // namespace bptplr::kernels
