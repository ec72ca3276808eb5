// Spatial pooling of NHWC activations.
//
// T: float; double on a CPU; bfloat16 on a GPU, summed in float and rounded once.
#pragma once

#include <cstdint>

#include "kernels/bfloat16.hpp"
#include "kernels/context.hpp"

namespace bptplr::kernels {

struct PoolShape {
  std::int64_t n = 0;
  std::int64_t h = 0;
  std::int64_t w = 0;
  std::int64_t c = 0;
  std::int64_t kernel = 1;
  std::int64_t stride = 1;
  std::int64_t padding = 0;  ///< padded positions are never the maximum

  std::int64_t out_h() const { return (h + 2 * padding - kernel) / stride + 1; }
  std::int64_t out_w() const { return (w + 2 * padding - kernel) / stride + 1; }
};

/// Computes y [n, c] = mean over the `pixels` positions of each image of x [n, pixels, c]. For
/// bfloat16, y stays float, for the heads of a network.
template <class Context, class T>
void global_avg_pool_forward(const Context& ctx, std::int64_t n, std::int64_t pixels,
                             std::int64_t c, const T* x, StatOf<T>* y);
/// Computes dx [n, pixels, c] from dy [n, c].
template <class Context, class T>
void global_avg_pool_backward(const Context& ctx, std::int64_t n, std::int64_t pixels,
                              std::int64_t c, const StatOf<T>* dy, T* dx);

/// Computes y = maximum of each window and winner [n, out_h, out_w, c] = its position in the
/// window, row by row (kernel <= 15, so that it fits a byte). The first of equal values wins, and
/// NaN wins over numbers, as in PyTorch.
template <class Context, class T>
void max_pool_forward(const Context& ctx, const PoolShape& shape, const T* x, T* y,
                      std::uint8_t* winner);
/// Computes dx [n, h, w, c] from dy and the winners.
template <class Context, class T>
void max_pool_backward(const Context& ctx, const PoolShape& shape, const T* dy,
                       const std::uint8_t* winner, T* dx);

}  // namespace bptplr::kernels
