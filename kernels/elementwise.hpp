// Elementwise functions on n values.
//
// T: float; double on a CPU; bfloat16 on a GPU, computed in float and rounded once.
#pragma once

#include <cstdint>

#include "kernels/bfloat16.hpp"
#include "kernels/context.hpp"

namespace bptplr::kernels {

/// Computes y = max(x, 0); y may be x.
template <class Context, class T>
void relu_forward(const Context& ctx, const T* x, T* y, std::int64_t n);
/// Computes dx = dy where y > 0, else 0; dx may be dy.
template <class Context, class T>
void relu_backward(const Context& ctx, const T* y, const T* dy, T* dx, std::int64_t n);
/// Computes y = x where x > 0, else slope * x, slope >= 0; y may be x.
template <class Context, class T>
void leaky_relu_forward(const Context& ctx, double slope, const T* x, T* y, std::int64_t n);
/// Computes dx = dy where y > 0, else slope * dy; dx may be dy.
template <class Context, class T>
void leaky_relu_backward(const Context& ctx, double slope, const T* y, const T* dy, T* dx,
                         std::int64_t n);
/// Computes out = a + b; out may be a or b.
template <class Context, class T>
void add(const Context& ctx, const T* a, const T* b, T* out, std::int64_t n);
/// Computes out = factor * x; out may be x.
template <class Context, class T>
void scale(const Context& ctx, double factor, const T* x, T* out, std::int64_t n);
/// Computes out = factor * x with factor [1] in memory of the device; not for bfloat16.
template <class Context, class T>
void scale_by(const Context& ctx, const T* factor, const T* x, T* out, std::int64_t n);
/// Converts x to another type, rounded to the nearest: between float and double on a CPU, between
/// float and bfloat16 on a GPU.
template <class Context, class From, class To>
void convert(const Context& ctx, const From* x, To* y, std::int64_t n);
/// Sets every element of out to `value`. T: any type of a tensor's elements, on either device.
template <class Context, class T>
void fill(const Context& ctx, T value, T* out, std::int64_t n);

}  // namespace bptplr::kernels
