#include "kernels/sgd.hpp"

#include <atomic>

#include "kernels/parallel.hpp"

namespace bptplr::kernels {

template <class T>
void sgd_step(const CpuContext&, T lr, T momentum, T weight_decay, const T* grad, T* velocity,
              T* parameter, std::int64_t n) {
  parallel_for(n, kElementGrain, [&](std::int64_t begin, std::int64_t end) {
#pragma omp simd
    for (std::int64_t i = begin; i < end; ++i) {
      velocity[i] = momentum * velocity[i] + (grad[i] + weight_decay * parameter[i]);
      parameter[i] -= lr * velocity[i];
    }
  });
}

template <class T>
bool all_finite(const CpuContext&, const T* values, std::int64_t n) {
  std::atomic<bool> finite = true;
  parallel_for(n, kElementGrain, [&](std::int64_t begin, std::int64_t end) {
    // Products with 0 are 0, but for infinity and NaN, and their sum shows whether there was one.
    T sum = 0;
#pragma omp simd reduction(+ : sum)
    for (std::int64_t i = begin; i < end; ++i) sum += values[i] * T{0};
    if (sum != T{0}) finite.store(false, std::memory_order_relaxed);
  });
  return finite;
}

template bool all_finite(const CpuContext&, const float*, std::int64_t);
template bool all_finite(const CpuContext&, const double*, std::int64_t);
template void sgd_step(const CpuContext&, float, float, float, const float*, float*, float*,
                       std::int64_t);
template void sgd_step(const CpuContext&, double, double, double, const double*, double*, double*,
                       std::int64_t);

}  // namespace bptplr::kernels
