// 2D convolution (cross-correlation, as in PyTorch) without bias.
//
//   y[n,p,q,k] = sum_{r,s,c} x[n, p*stride - padding + r, q*stride - padding + s, c] w[k,r,s,c]
//
// Activations are NHWC, weights are KRSC (output channel, row, column, input channel): OIHW in
// channels_last memory in PyTorch's terms.
#pragma once

#include <compare>
#include <cstdint>
#include <type_traits>

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

/// Computes y [n, out_h, out_w, k] from x [n, h, w, c] and weights w [k, kernel, kernel, c]. T:
/// float; double on a CPU, by plain loops as a reference for tests; bfloat16 on a GPU (sums in
/// float), where the first call of each pass and shape measures whether our own kernels or cuDNN
/// are faster, and may wait for the device.
template <class Context, class T>
void conv2d_forward(const Context& ctx, const Conv2dShape& shape, const T* x, const T* w, T* y);
/// Computes dx [n, h, w, c] from dy [n, out_h, out_w, k]. T as for conv2d_forward.
template <class Context, class T>
void conv2d_backward_data(const Context& ctx, const Conv2dShape& shape, const T* dy, const T* w,
                          T* dx);
/// Computes dw [k, kernel, kernel, c], summed over the n images. T as for conv2d_forward.
/// dw_scratch has room for as many values if T is bfloat16; otherwise it may be null.
template <class Context, class T>
void conv2d_backward_weights(const Context& ctx, const Conv2dShape& shape, const T* x, const T* dy,
                             StatOf<T>* dw, std::type_identity_t<T>* dw_scratch);

}  // namespace bptplr::kernels
