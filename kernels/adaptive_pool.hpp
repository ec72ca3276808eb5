// Adaptive average pooling: images of any size become maps of side x side means, as by PyTorch's
// AdaptiveAvgPool2d. Along an axis of `size` pixels, cell p is the mean of the pixels
// floor(p size / side) to ceil((p + 1) size / side): neighbours share a pixel where `side` does not
// divide `size`, and an axis shorter than `side` is repeated.
//
// The map is for linear layers: it is written channel by channel, [n, c, side, side], as PyTorch
// flattens it. T: float; double on a CPU; bfloat16 on a GPU, summed in float.
#pragma once

#include <cstdint>

#include "kernels/bfloat16.hpp"
#include "kernels/context.hpp"

namespace bptplr::kernels {

/// Largest side of a map: a block of a GPU holds the maps of 32 channels.
inline constexpr std::int64_t kMaxAdaptiveSide = 16;

/// Images [n, h, w, c] and the side of their maps, 1 to kMaxAdaptiveSide.
struct AdaptivePoolShape {
  std::int64_t n = 0;
  std::int64_t h = 0;
  std::int64_t w = 0;
  std::int64_t c = 0;
  std::int64_t side = 1;

  std::int64_t cells() const { return side * side; }
};

/// Positions [begin, end) along an axis.
struct AxisRange {
  int begin;
  int end;

  BPTPLR_HOST_DEVICE int size() const { return end - begin; }
};

/// Returns the pixels of an axis of `size` that cell `p` is the mean of.
BPTPLR_HOST_DEVICE inline AxisRange pixels_of_cell(int p, int size, int side) {
  return {p * size / side, ((p + 1) * size + side - 1) / side};
}
/// Returns the cells that pixel `i` counts in: the converse of pixels_of_cell.
BPTPLR_HOST_DEVICE inline AxisRange cells_of_pixel(int i, int size, int side) {
  return pixels_of_cell(i, side, size);
}

/// Computes y [n, c, side, side] from x [n, h, w, c]. For bfloat16, y stays float.
template <class Context, class T>
void adaptive_avg_pool_forward(const Context& ctx, const AdaptivePoolShape& shape, const T* x,
                               StatOf<T>* y);
/// Computes dx [n, h, w, c] from dy [n, c, side, side].
template <class Context, class T>
void adaptive_avg_pool_backward(const Context& ctx, const AdaptivePoolShape& shape,
                                const StatOf<T>* dy, T* dx);

}  // namespace bptplr::kernels
