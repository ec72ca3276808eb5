// Fully connected layer: y = x w^T + b.
#pragma once

#include <cstdint>

#include "kernels/context.hpp"

namespace bptplr::kernels {

struct LinearShape {
  std::int64_t n = 0;
  std::int64_t in = 0;
  std::int64_t out = 0;
};

/// y [n, out] from x [n, in], w [out, in] and b [out] (null: no bias).
template <class T>
void linear_forward(const CpuContext& ctx, const LinearShape& shape, const T* x, const T* w,
                    const T* b, T* y);
/// dx [n, in] from dy [n, out].
template <class T>
void linear_backward_data(const CpuContext& ctx, const LinearShape& shape, const T* dy, const T* w,
                          T* dx);
/// dw [out, in] and db [out] (null: not wanted), summed over the n rows.
template <class T>
void linear_backward_weights(const CpuContext& ctx, const LinearShape& shape, const T* x,
                             const T* dy, T* dw, T* db);

/// The same on a GPU, in float32.
void linear_forward(const CudaContext& ctx, const LinearShape& shape, const float* x,
                    const float* w, const float* b, float* y);
void linear_backward_data(const CudaContext& ctx, const LinearShape& shape, const float* dy,
                          const float* w, float* dx);
void linear_backward_weights(const CudaContext& ctx, const LinearShape& shape, const float* x,
                             const float* dy, float* dw, float* db);

}  // namespace bptplr::kernels
