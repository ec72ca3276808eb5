// Sliding windows over NHWC images, for the plain loops of pooling and of reference convolution.
#pragma once

#include <cstdint>

namespace bptplr::kernels {

/// Calls fn(tap, offset) for each position of the window of output (p, q) that lies inside the
/// image: tap numbers the window row by row, offset is the index of channel 0 in the image. `Shape`
/// has h, w, c, kernel, stride and padding.
template <class Shape, class Fn>
void for_each_tap(const Shape& s, std::int64_t p, std::int64_t q, Fn&& fn) {
  for (std::int64_t r = 0; r < s.kernel; ++r) {
    const std::int64_t row = p * s.stride - s.padding + r;
    if (row < 0 || row >= s.h) continue;
    for (std::int64_t t = 0; t < s.kernel; ++t) {
      const std::int64_t column = q * s.stride - s.padding + t;
      if (column < 0 || column >= s.w) continue;
      fn(r * s.kernel + t, (row * s.w + column) * s.c);
    }
  }
}

}  // namespace bptplr::kernels
