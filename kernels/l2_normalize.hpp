// Rows divided by their Euclidean length. T: float; double on a CPU.
#pragma once

#include <cstdint>

#include "kernels/context.hpp"

namespace bptplr::kernels {

/// Rows shorter than this are divided by it instead, as in torch.nn.functional.normalize.
inline constexpr double kNormEps = 1e-12;

/// y [n, dim] = x / max(||x||, eps) row by row; norm [n] = max(||x||, eps) for the backward pass.
template <class Context, class T>
void l2_normalize_forward(const Context& ctx, const T* x, T* y, T* norm, std::int64_t n,
                          std::int64_t dim);
/// dx = (dy - y (y . dy)) / norm.
template <class Context, class T>
void l2_normalize_backward(const Context& ctx, const T* y, const T* norm, const T* dy, T* dx,
                           std::int64_t n, std::int64_t dim);

}  // namespace bptplr::kernels
