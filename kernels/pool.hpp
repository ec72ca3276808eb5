// Spatial pooling of NHWC activations.
#pragma once

#include <cstdint>

#include "kernels/context.hpp"

namespace bptplr::kernels {

struct PoolShape {
  std::int64_t n = 0;
  std::int64_t h = 0;
  std::int64_t w = 0;
  std::int64_t c = 0;
  std::int64_t kernel = 1;
  std::int64_t stride = 1;
  std::int64_t padding = 0;  ///< max pooling only; padded positions never win

  std::int64_t out_h() const { return (h + 2 * padding - kernel) / stride + 1; }
  std::int64_t out_w() const { return (w + 2 * padding - kernel) / stride + 1; }
};

/// y [n, out_h, out_w, c] = mean of each kernel x kernel window of x [n, h, w, c] (no padding).
template <class T>
void avg_pool_forward(const CpuContext& ctx, const PoolShape& shape, const T* x, T* y);
/// dx [n, h, w, c] from dy [n, out_h, out_w, c].
template <class T>
void avg_pool_backward(const CpuContext& ctx, const PoolShape& shape, const T* dy, T* dx);

/// y [n, c] = mean over the `pixels` positions of each image of x [n, pixels, c].
template <class T>
void global_avg_pool_forward(const CpuContext& ctx, std::int64_t n, std::int64_t pixels,
                             std::int64_t c, const T* x, T* y);
/// dx [n, pixels, c] from dy [n, c].
template <class T>
void global_avg_pool_backward(const CpuContext& ctx, std::int64_t n, std::int64_t pixels,
                              std::int64_t c, const T* dy, T* dx);

/// y = maximum of each window; winner [n, out_h, out_w, c] = its place in the window, row by row
/// (kernel <= 15, so that it fits a byte). Ties go to the first, NaN wins, as in PyTorch.
template <class T>
void max_pool_forward(const CpuContext& ctx, const PoolShape& shape, const T* x, T* y,
                      std::uint8_t* winner);
/// dx [n, h, w, c] from dy and the winners.
template <class T>
void max_pool_backward(const CpuContext& ctx, const PoolShape& shape, const T* dy,
                       const std::uint8_t* winner, T* dx);

/// The same on a GPU, for T = float and bfloat16. Means and gradients are summed in float and
/// rounded once; the global mean stays float, for the heads of a network.
template <class T>
void avg_pool_forward(const CudaContext& ctx, const PoolShape& shape, const T* x, T* y);
template <class T>
void avg_pool_backward(const CudaContext& ctx, const PoolShape& shape, const T* dy, T* dx);
template <class T>
void global_avg_pool_forward(const CudaContext& ctx, std::int64_t n, std::int64_t pixels,
                             std::int64_t c, const T* x, float* y);
template <class T>
void global_avg_pool_backward(const CudaContext& ctx, std::int64_t n, std::int64_t pixels,
                              std::int64_t c, const float* dy, T* dx);
template <class T>
void max_pool_forward(const CudaContext& ctx, const PoolShape& shape, const T* x, T* y,
                      std::uint8_t* winner);
template <class T>
void max_pool_backward(const CudaContext& ctx, const PoolShape& shape, const T* dy,
                       const std::uint8_t* winner, T* dx);

}  // namespace bptplr::kernels
