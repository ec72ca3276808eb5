// Elementwise functions on n values.
#pragma once

#include <cstdint>

#include "kernels/context.hpp"

namespace bptplr::kernels {

/// y = max(x, 0); y may be x.
template <class T>
void relu_forward(const CpuContext& ctx, const T* x, T* y, std::int64_t n);
/// dx = dy where y > 0, else 0; dx may be dy.
template <class T>
void relu_backward(const CpuContext& ctx, const T* y, const T* dy, T* dx, std::int64_t n);
/// out = a + b; out may be a or b.
template <class T>
void add(const CpuContext& ctx, const T* a, const T* b, T* out, std::int64_t n);
/// out = a * b; out may be a or b.
template <class T>
void multiply(const CpuContext& ctx, const T* a, const T* b, T* out, std::int64_t n);
/// The sum of all n values, accumulated in double precision.
template <class T>
double sum(const CpuContext& ctx, const T* x, std::int64_t n);
/// out = factor * x; out may be x.
template <class T>
void scale(const CpuContext& ctx, T factor, const T* x, T* out, std::int64_t n);

}  // namespace bptplr::kernels
