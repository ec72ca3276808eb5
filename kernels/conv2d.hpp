// 2D convolution (cross-correlation, as in PyTorch) without bias.
//
//   y[n,p,q,k] = sum_{r,s,c} x[n, p*stride - padding + r, q*stride - padding + s, c] w[k,r,s,c]
//
// Activations are NHWC, weights are KRSC (output channel, row, column, input channel): what PyTorch
// calls OIHW in channels_last memory.
#pragma once

#include <compare>
#include <cstdint>

#include "kernels/bfloat16.hpp"
#include "kernels/context.hpp"

namespace bptplr::kernels {

struct Conv2dShape {
  std::int64_t n = 0;  ///< images
  std::int64_t h = 0;  ///< input rows
  std::int64_t w = 0;  ///< input columns
  std::int64_t c = 0;  ///< input channels
  std::int64_t k = 0;  ///< output channels
  std::int64_t kernel = 1;
  std::int64_t stride = 1;
  std::int64_t padding = 0;

  std::int64_t out_h() const { return (h + 2 * padding - kernel) / stride + 1; }
  std::int64_t out_w() const { return (w + 2 * padding - kernel) / stride + 1; }
  std::int64_t weights() const { return k * kernel * kernel * c; }

  // clang-tidy 14 takes a zero within a defaulted comparison for a pointer.
  auto operator<=>(const Conv2dShape&) const = default;  // NOLINT(modernize-use-nullptr)
};

/// y [n, out_h, out_w, k] from x [n, h, w, c] and weights w [k, kernel, kernel, c].
void conv2d_forward(const CpuContext& ctx, const Conv2dShape& shape, const float* x, const float* w,
                    float* y);
/// dx [n, h, w, c] from dy [n, out_h, out_w, k].
void conv2d_backward_data(const CpuContext& ctx, const Conv2dShape& shape, const float* dy,
                          const float* w, float* dx);
/// dw [k, kernel, kernel, c], summed over the n images.
void conv2d_backward_weights(const CpuContext& ctx, const Conv2dShape& shape, const float* x,
                             const float* dy, float* dw);

/// The same in double precision by plain loops: the reference that the fast ones are tested
/// against, and what finite-difference checks of whole networks run on.
void conv2d_forward(const CpuContext& ctx, const Conv2dShape& shape, const double* x,
                    const double* w, double* y);
void conv2d_backward_data(const CpuContext& ctx, const Conv2dShape& shape, const double* dy,
                          const double* w, double* dx);
void conv2d_backward_weights(const CpuContext& ctx, const Conv2dShape& shape, const double* x,
                             const double* dy, double* dw);

/// The same on a GPU, T float or bfloat16 (sums in float32). The first call of each pass and shape
/// in bfloat16 measures who is faster, our own kernels or cuDNN, and may wait for the device. dw is
/// float32 in either case; for bfloat16, dw_scratch has room for as many values (unused, may be
/// null, for float).
template <class T>
void conv2d_forward(const CudaContext& ctx, const Conv2dShape& shape, const T* x, const T* w, T* y);
template <class T>
void conv2d_backward_data(const CudaContext& ctx, const Conv2dShape& shape, const T* dy, const T* w,
                          T* dx);
template <class T>
void conv2d_backward_weights(const CudaContext& ctx, const Conv2dShape& shape, const T* x,
                             const T* dy, float* dw, T* dw_scratch);

}  // namespace bptplr::kernels
