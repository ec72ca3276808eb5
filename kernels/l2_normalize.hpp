// L2 normalisation of rows. T: float; double on a CPU.
#pragma once

#include <cstdint>

#include "kernels/context.hpp"

namespace bptplr::kernels {

/// Lower limit of the divisor, as in torch.nn.functional.normalize.
inline constexpr double kNormEps = 1e-12;

/// Computes y [n, dim] = x / max(||x||, eps) row by row, and norm [n] = max(||x||, eps) for the
/// backward pass.
template <class Context, class T>
void l2_normalize_forward(const Context& ctx, const T* x, T* y, T* norm, std::int64_t n,
                          std::int64_t dim);
/// Computes dx = (dy - y (y . dy)) / norm, or dy / norm where norm is eps.
template <class Context, class T>
void l2_normalize_backward(const Context& ctx, const T* y, const T* norm, const T* dy, T* dx,
                           std::int64_t n, std::int64_t dim);

}  // namespace bptplr::kernels
