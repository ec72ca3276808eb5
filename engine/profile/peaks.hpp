// Measures the peak performance of a device, so that no table of chips is needed.
#pragma once

#include <cstdint>

#include "engine/profile/range.hpp"
#include "engine/tensor.hpp"

namespace bptplr {

struct Peaks {
  double operations_per_s = 0.0;  ///< of a matrix product
  double bytes_per_s = 0.0;       ///< of a copy, counting reads and writes

  /// Returns the lower bound of the time, max(operations / peak, bytes / bandwidth), in seconds.
  double floor_seconds(const Work& work) const;
};

struct PeakOptions {
  std::int64_t smallest_product = 512;  ///< sides of the matrices: this, doubled up to the largest,
  std::int64_t largest_product =
      8192;  ///< as long as a product takes no longer than `most_seconds`
  std::int64_t copy_bytes = std::int64_t{1} << 28;
  double least_seconds = 0.03;  ///< shorter measurements are repeated
  double most_seconds = 0.12;
};

/// Measures the best rate of square matrix products with factors of `type` (as 1 x 1 convolutions
/// and, in float32, fully connected layers, by the libraries that those use), and of a copy too
/// large for caches. Takes about a second. Throws OutOfMemory.
Peaks measure_peaks(Device device, DType type, const PeakOptions& options = {});

}  // namespace bptplr
