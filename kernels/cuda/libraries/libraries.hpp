// Where the CUDA backend leans on NVIDIA's libraries instead of kernels of its own: convolutions
// (cuDNN) and matrix products (cuBLASLt). These few functions are all that touches them, so that a
// build without the libraries, such as the host executor's, can put something else in their place.
#pragma once

#include "kernels/bfloat16.hpp"
#include "kernels/context.hpp"
#include "kernels/conv2d.hpp"

namespace bptplr::kernels {

enum class ConvolutionPass { kForward, kBackwardData, kBackwardWeights };

/// The three passes of a convolution; a and b are (x, w), (dy, w) or (x, dy). out is overwritten.
/// T is float (no TF32) or bfloat16 (float32 accumulation). The algorithm is the fastest of the
/// deterministic ones, or where there are none of all, measured at the first call of each shape,
/// with less scratch memory on a nearly full GPU. If is_deterministic(), it is a deterministic one
/// by cuDNN's guess. Throws CudaError where there is none, OutOfDeviceMemory where it finds no
/// room.
template <class T>
void convolution(const CudaContext& ctx, ConvolutionPass pass, const Conv2dShape& shape, const T* a,
                 const T* b, T* out);

/// c [m, n] = op(a) op(b) (+ bias [n] in every row, if not null), row-major, float32 throughout.
/// op(a) is a [m, k], or the transpose of a [k, m]; op(b) is b [k, n], or the transpose of b [n,
/// k].
struct GemmShape {
  std::int64_t m = 0;
  std::int64_t n = 0;
  std::int64_t k = 0;
  bool transpose_a = false;
  bool transpose_b = false;

  auto operator<=>(const GemmShape&) const = default;
};
void gemm(const CudaContext& ctx, const GemmShape& shape, const float* a, const float* b,
          const float* bias, float* c);

}  // namespace bptplr::kernels
