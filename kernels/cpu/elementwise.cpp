#include "kernels/elementwise.hpp"

#include <numeric>

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

template <class T>
void relu_forward(const CpuContext&, const T* x, T* y, std::int64_t n) {
  for_each_index(n, [=](std::int64_t i) { y[i] = x[i] > T{0} ? x[i] : T{0}; });
}

template <class T>
void relu_backward(const CpuContext&, const T* y, const T* dy, T* dx, std::int64_t n) {
  for_each_index(n, [=](std::int64_t i) { dx[i] = y[i] > T{0} ? dy[i] : T{0}; });
}

template <class T>
void leaky_relu_forward(const CpuContext&, T slope, const T* x, T* y, std::int64_t n) {
  for_each_index(n, [=](std::int64_t i) { y[i] = x[i] > T{0} ? x[i] : slope * x[i]; });
}

template <class T>
void leaky_relu_backward(const CpuContext&, T slope, const T* y, const T* dy, T* dx,
                         std::int64_t n) {
  for_each_index(n, [=](std::int64_t i) { dx[i] = y[i] > T{0} ? dy[i] : slope * dy[i]; });
}

template <class T>
void add(const CpuContext&, const T* a, const T* b, T* out, std::int64_t n) {
  for_each_index(n, [=](std::int64_t i) { out[i] = a[i] + b[i]; });
}

template <class T>
void multiply(const CpuContext&, const T* a, const T* b, T* out, std::int64_t n) {
  for_each_index(n, [=](std::int64_t i) { out[i] = a[i] * b[i]; });
}

template <class T>
void sum(const CpuContext&, const T* x, T* out, std::int64_t n) {
  *out = static_cast<T>(
      parallel_sum<double>(n, kElementGrain, [x](std::int64_t begin, std::int64_t end) {
        return std::accumulate(x + begin, x + end, 0.0);
      }));
}

template <class T>
void scale(const CpuContext&, T factor, const T* x, T* out, std::int64_t n) {
  for_each_index(n, [=](std::int64_t i) { out[i] = factor * x[i]; });
}

template <class T>
void scale_by(const CpuContext& ctx, const T* factor, const T* x, T* out, std::int64_t n) {
  scale(ctx, *factor, x, out, n);
}

#define BPTPLR_INSTANTIATE(T)                                                                    \
  template void relu_forward(const CpuContext&, const T*, T*, std::int64_t);                     \
  template void relu_backward(const CpuContext&, const T*, const T*, T*, std::int64_t);          \
  template void leaky_relu_forward(const CpuContext&, T, const T*, T*, std::int64_t);            \
  template void leaky_relu_backward(const CpuContext&, T, const T*, const T*, T*, std::int64_t); \
  template void add(const CpuContext&, const T*, const T*, T*, std::int64_t);                    \
  template void multiply(const CpuContext&, const T*, const T*, T*, std::int64_t);               \
  template void sum(const CpuContext&, const T*, T*, std::int64_t);                              \
  template void scale(const CpuContext&, T, const T*, T*, std::int64_t);                         \
  template void scale_by(const CpuContext&, const T*, const T*, T*, std::int64_t);
BPTPLR_INSTANTIATE(float)
BPTPLR_INSTANTIATE(double)
#undef BPTPLR_INSTANTIATE

}  // namespace bptplr::kernels
