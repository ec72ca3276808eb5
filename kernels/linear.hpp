// Fully connected layer: y = x w^T + b. T: float; double on a CPU.
#pragma once

#include <cstdint>

#include "kernels/context.hpp"

namespace bptplr::kernels {

struct LinearShape {
  std::int64_t n = 0;
  std::int64_t in = 0;
  std::int64_t out = 0;
};

/// Computes y [n, out] from x [n, in], w [out, in] and b [out] (null: no bias).
template <class Context, class T>
void linear_forward(const Context& ctx, const LinearShape& shape, const T* x, const T* w,
                    const T* b, T* y);
/// Computes dx [n, in] from dy [n, out].
template <class Context, class T>
void linear_backward_data(const Context& ctx, const LinearShape& shape, const T* dy, const T* w,
                          T* dx);
/// Computes dw [out, in] and db [out] (null: not computed), summed over the n rows.
template <class Context, class T>
void linear_backward_weights(const Context& ctx, const LinearShape& shape, const T* x, const T* dy,
                             T* dw, T* db);

}  // namespace bptplr::kernels
