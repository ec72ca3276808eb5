// What a device can do at most, measured: no table of chips is needed.
#pragma once

#include <cstdint>

#include "engine/profile/range.hpp"
#include "engine/tensor.hpp"

namespace bptplr {

struct Peaks {
  double operations_per_s = 0.0;  ///< of a matrix product
  double bytes_per_s = 0.0;       ///< of a copy, read and written

  /// The time below which no one comes: max(operations / peak, bytes / bandwidth), in seconds.
  double floor_seconds(const Work& work) const;
};

struct PeakOptions {
  std::int64_t smallest_product = 512;  ///< sides of the matrices: this, doubled up to the largest,
  std::int64_t largest_product =
      8192;  ///< as long as a product takes no longer than `most_seconds`
  std::int64_t copy_bytes = std::int64_t{1} << 28;
  double least_seconds = 0.03;  ///< a measurement repeats what is shorter
  double most_seconds = 0.12;
};

/// The best rate of square matrix products with factors of `type` (as 1 x 1 convolutions and, in
/// float32, fully connected layers, by the libraries that those use), and of a copy that is too
/// large for caches. Takes about a second. Throws OutOfMemory.
Peaks measure_peaks(Device device, DType type, const PeakOptions& options = {});

}  // namespace bptplr
