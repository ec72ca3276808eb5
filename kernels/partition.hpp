// The balanced partition (UNICON, Karim et al., CVPR 2022, section 3.2; LongReMix 2022) on a GPU:
// the same sets as balanced_partition of bpt_plr/, which says what they are.
#pragma once

#include <cstdint>

#include "kernels/context.hpp"

namespace bptplr::kernels {

struct PartitionSizes {
  std::int64_t labelled = 0;
  std::int64_t unlabelled = 0;
  std::int64_t budget = 0;  ///< labelled samples a class may have
};

/// clean_probability [n] in [0, 1]; noisy_labels [n] in [0, classes).
/// samples [n]: the labelled samples, ascending, then the unlabelled ones, ascending.
/// Waits for the device: how large the sets are decides how long the epoch is.
PartitionSizes balanced_partition(const CudaContext& ctx, std::int64_t n, std::int64_t classes,
                                  double threshold, const double* clean_probability,
                                  const std::int64_t* noisy_labels, std::int64_t* samples);

}  // namespace bptplr::kernels
