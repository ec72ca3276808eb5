#include "kernels/sgd.hpp"

#include "kernels/cpu/parallel.hpp"

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

template void sgd_step(const CpuContext&, float, float, float, const float*, float*, float*,
                       std::int64_t);
template void sgd_step(const CpuContext&, double, double, double, const double*, double*, double*,
                       std::int64_t);

}  // namespace bptplr::kernels
