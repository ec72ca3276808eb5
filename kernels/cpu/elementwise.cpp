#include "kernels/elementwise.hpp"

#include "kernels/parallel.hpp"

namespace bptplr::kernels {
namespace {

template <class Fn>
void for_each_index(std::int64_t n, Fn&& fn) {
  parallel_for(n, kElementGrain, [&](std::int64_t begin, std::int64_t end) {
#pragma omp simd
    for (std::int64_t i = begin; i < end; ++i) fn(i);
  });
}

}  // namespace

template <class Context, class T>
void relu_forward(const Context&, const T* x, T* y, std::int64_t n) {
  for_each_index(n, [=](std::int64_t i) { y[i] = x[i] > T{0} ? x[i] : T{0}; });
}

template <class Context, class T>
void relu_backward(const Context&, const T* y, const T* dy, T* dx, std::int64_t n) {
  for_each_index(n, [=](std::int64_t i) { dx[i] = y[i] > T{0} ? dy[i] : T{0}; });
}

template <class Context, class T>
void leaky_relu_forward(const Context&, double slope, const T* x, T* y, std::int64_t n) {
  const auto a = static_cast<T>(slope);
  for_each_index(n, [=](std::int64_t i) { y[i] = x[i] > T{0} ? x[i] : a * x[i]; });
}

template <class Context, class T>
void leaky_relu_backward(const Context&, double slope, const T* y, const T* dy, T* dx,
                         std::int64_t n) {
  const auto a = static_cast<T>(slope);
  for_each_index(n, [=](std::int64_t i) { dx[i] = y[i] > T{0} ? dy[i] : a * dy[i]; });
}

template <class Context, class T>
void add(const Context&, const T* a, const T* b, T* out, std::int64_t n) {
  for_each_index(n, [=](std::int64_t i) { out[i] = a[i] + b[i]; });
}

template <class Context, class T>
void scale(const Context&, double factor, const T* x, T* out, std::int64_t n) {
  const auto a = static_cast<T>(factor);
  for_each_index(n, [=](std::int64_t i) { out[i] = a * x[i]; });
}

template <class Context, class T>
void scale_by(const Context& ctx, const T* factor, const T* x, T* out, std::int64_t n) {
  scale(ctx, static_cast<double>(*factor), x, out, n);
}

template <class Context, class From, class To>
void convert(const Context&, const From* x, To* y, std::int64_t n) {
  for_each_index(n, [=](std::int64_t i) { y[i] = static_cast<To>(x[i]); });
}

template <class Context, class T>
void fill(const Context&, T value, T* out, std::int64_t n) {
  for_each_index(n, [=](std::int64_t i) { out[i] = value; });
}

#define BPTPLR_INSTANTIATE(T)                                                              \
  template void relu_forward(const CpuContext&, const T*, T*, std::int64_t);               \
  template void relu_backward(const CpuContext&, const T*, const T*, T*, std::int64_t);    \
  template void leaky_relu_forward(const CpuContext&, double, const T*, T*, std::int64_t); \
  template void leaky_relu_backward(const CpuContext&, double, const T*, const T*, T*,     \
                                    std::int64_t);                                         \
  template void add(const CpuContext&, const T*, const T*, T*, std::int64_t);              \
  template void scale(const CpuContext&, double, const T*, T*, std::int64_t);              \
  template void scale_by(const CpuContext&, const T*, const T*, T*, std::int64_t);
BPTPLR_INSTANTIATE(float)
BPTPLR_INSTANTIATE(double)
#undef BPTPLR_INSTANTIATE

template void convert(const CpuContext&, const float*, double*, std::int64_t);
template void convert(const CpuContext&, const double*, float*, std::int64_t);
template void fill(const CpuContext&, float, float*, std::int64_t);
template void fill(const CpuContext&, double, double*, std::int64_t);
template void fill(const CpuContext&, bfloat16, bfloat16*, std::int64_t);
template void fill(const CpuContext&, std::int64_t, std::int64_t*, std::int64_t);
template void fill(const CpuContext&, std::uint8_t, std::uint8_t*, std::int64_t);

}  // namespace bptplr::kernels
