#include "kernels/softmax.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/cpu/softmax_row.hpp"
#include "kernels/parallel.hpp"

namespace bptplr::kernels {
namespace {

template <class Fn>
void for_each_row(std::int64_t n, std::int64_t classes, Fn&& fn) {
  parallel_for(n, softmax_grain(classes), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) fn(i);
  });
}

}  // namespace

template <class Context, class T>
void softmax(const Context&, const T* x, T* y, std::int64_t n, std::int64_t classes) {
  for_each_row(n, classes, [&](std::int64_t i) {
    const T lse = static_cast<T>(log_sum_exp(x + i * classes, classes));
    for (std::int64_t k = i * classes; k < (i + 1) * classes; ++k) y[k] = std::exp(x[k] - lse);
  });
}

template <class Context, class T>
void soft_cross_entropy(const Context&, const T* logits, const T* target, std::int64_t n,
                        std::int64_t classes, T* loss, T* dlogits) {
  const T inverse_n = T{1} / static_cast<T>(std::max<std::int64_t>(n, 1));
  const double total =
      parallel_sum<double>(n, softmax_grain(classes), [&](std::int64_t begin, std::int64_t end) {
        double sum = 0.0;
        for (std::int64_t i = begin; i < end; ++i) {
          const T* x = logits + i * classes;
          const T* t = target + i * classes;
          const T lse = static_cast<T>(log_sum_exp(x, classes));
          T mass{0};
          for (std::int64_t c = 0; c < classes; ++c) {
            sum -= static_cast<double>(t[c]) * static_cast<double>(x[c] - lse);
            mass += t[c];
          }
          for (std::int64_t c = 0; c < classes; ++c) {
            dlogits[i * classes + c] = (std::exp(x[c] - lse) * mass - t[c]) * inverse_n;
          }
        }
        return sum;
      });
  *loss = static_cast<T>(total * static_cast<double>(inverse_n));
}

#define BPTPLR_INSTANTIATE(T)                                                           \
  template void softmax(const CpuContext&, const T*, T*, std::int64_t, std::int64_t);   \
  template void soft_cross_entropy(const CpuContext&, const T*, const T*, std::int64_t, \
                                   std::int64_t, T*, T*);
BPTPLR_INSTANTIATE(float)
BPTPLR_INSTANTIATE(double)
#undef BPTPLR_INSTANTIATE

}  // namespace bptplr::kernels
