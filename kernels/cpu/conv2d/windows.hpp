// Which pixels of a padded image a convolution reads for each pixel of its result.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/conv2d.hpp"
#include "kernels/cpu/conv2d/padding.hpp"

namespace bptplr::kernels::conv {

/// Pixels of a result that are computed from the same taps: all of them in a forward pass, every
/// stride-th in each direction in a data pass.
struct Windows {
  std::vector<std::int64_t> tap_rows;  ///< rows of the filter, in the order in which they are read
  std::vector<std::int64_t> tap_columns;  ///< columns of the filter, likewise
  std::vector<std::int32_t> read;   ///< first float of each pixel's window in the padded images
  std::vector<std::int32_t> write;  ///< its first float in the results

  std::int64_t taps() const { return std::ssize(tap_rows) * std::ssize(tap_columns); }
};

/// The windows of `images` images, which are computed together.
struct WindowPlan {
  std::int64_t images = 1;
  Extent source;          ///< image that is read
  Extent padded;          ///< copy of it with zeros around
  std::int64_t top = 0;   ///< rows of zeros above it, may be negative
  std::int64_t left = 0;  ///< columns to its left, likewise
  Extent target;          ///< image that is written
  std::vector<Windows> windows;

  /// Returns whether images are read as they are.
  bool reads_in_place() const {
    return top == 0 && left == 0 && padded.height == source.height &&
           padded.width == source.width && padded.channels == source.channels;
  }
};

/// Returns the plan of a pass; it is made once a shape and kept for the life of the process. The
/// number of images of the shape does not matter.
const WindowPlan& forward_windows(const Conv2dShape& shape);
const WindowPlan& backward_windows(const Conv2dShape& shape);
/// Those of a forward pass for the weights' gradient, which reads a few channels of many pixels at
/// a time: pixels of the copies may lie further apart than their channels need (row_stride).
const WindowPlan& weights_windows(const Conv2dShape& shape);

}  // namespace bptplr::kernels::conv
