// What the features of samples tell of a data set besides its labels: samples that are nearly the
// same, and samples that are like no other.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "engine/tensor.hpp"

namespace bptplr {

/// Nearest neighbours by cosine distance, 1 - cos, of which each sample has `k`.
struct Neighbours {
  std::int64_t k = 0;
  std::vector<std::int64_t> index;  ///< [N, k] nearest first
  std::vector<float> distance;      ///< [N, k]
};

/// Finds the min(k, N - 1) nearest neighbours of each row of `features` [N, D], float32 on the CPU,
/// exactly. `progress`, unless empty, is told the share that is done and may throw to stop. Throws
/// Error for a value that is not finite.
Neighbours find_neighbours(const Tensor& features, std::int64_t k,
                           const std::function<void(double share)>& progress = {});

/// Near-duplicates: samples closer to one another than kDuplicateShare of the median distance to a
/// nearest neighbour, and what is connected by such samples.
struct NearDuplicates {
  std::vector<float> score;  ///< [N] 1 - exp(-distance / median): near 0 for near-duplicates
  std::vector<bool> is_one;  ///< [N]
  /// Sets of two and more samples, ascending within and by their first.
  std::vector<std::vector<std::int64_t>> sets;
};
NearDuplicates find_near_duplicates(const Neighbours& neighbours);

/// Outliers: samples whose mean distance to their neighbours exceeds the third quartile by
/// kOutlierRange times the distance of the quartiles.
struct Outliers {
  std::vector<float> score;  ///< [N] exp(-mean distance / threshold): near 0 for outliers
  std::vector<bool> is_one;  ///< [N]
};
Outliers find_outliers(const Neighbours& neighbours);

/// Thresholds as in cleanlab's Datalab (0.13 of the median; 1 / 0.37 - 1 interquartile ranges), and
/// its number of neighbours.
inline constexpr double kDuplicateShare = 0.13;
inline constexpr double kOutlierRange = 1.0 / 0.37 - 1.0;
inline constexpr std::int64_t kNeighbours = 10;

}  // namespace bptplr
