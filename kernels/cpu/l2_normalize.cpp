#include "kernels/l2_normalize.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/parallel.hpp"

namespace bptplr::kernels {
namespace {

constexpr std::int64_t kRowGrain = 64;

template <class T>
T dot(const T* a, const T* b, std::int64_t dim) {
  double sum = 0.0;
  for (std::int64_t i = 0; i < dim; ++i) sum += static_cast<double>(a[i]) * b[i];
  return static_cast<T>(sum);
}

}  // namespace

template <class Context, class T>
void l2_normalize_forward(const Context&, const T* x, T* y, T* norm, std::int64_t n,
                          std::int64_t dim) {
  parallel_for(n, kRowGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const T* row = x + i * dim;
      norm[i] = std::max(std::sqrt(dot(row, row, dim)), static_cast<T>(kNormEps));
      for (std::int64_t k = 0; k < dim; ++k) y[i * dim + k] = row[k] / norm[i];
    }
  });
}

template <class Context, class T>
void l2_normalize_backward(const Context&, const T* y, const T* norm, const T* dy, T* dx,
                           std::int64_t n, std::int64_t dim) {
  parallel_for(n, kRowGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const T* yi = y + i * dim;
      const T* dyi = dy + i * dim;
      // Below eps the length is a constant: nothing flows through it.
      const T along = norm[i] > static_cast<T>(kNormEps) ? dot(yi, dyi, dim) : T{0};
      for (std::int64_t k = 0; k < dim; ++k) dx[i * dim + k] = (dyi[k] - yi[k] * along) / norm[i];
    }
  });
}

#define BPTPLR_INSTANTIATE(T)                                                              \
  template void l2_normalize_forward(const CpuContext&, const T*, T*, T*, std::int64_t,    \
                                     std::int64_t);                                        \
  template void l2_normalize_backward(const CpuContext&, const T*, const T*, const T*, T*, \
                                      std::int64_t, std::int64_t);
BPTPLR_INSTANTIATE(float)
BPTPLR_INSTANTIATE(double)
#undef BPTPLR_INSTANTIATE

}  // namespace bptplr::kernels
