// Stochastic gradient descent with momentum and weight decay, as torch.optim.SGD.
#pragma once

#include <cstdint>

#include "kernels/context.hpp"

namespace bptplr::kernels {

/// velocity = momentum * velocity + (grad + weight_decay * parameter);
/// parameter -= lr * velocity. All arrays have n values; velocity starts at zero.
template <class T>
void sgd_step(const CpuContext& ctx, T lr, T momentum, T weight_decay, const T* grad, T* velocity,
              T* parameter, std::int64_t n);

}  // namespace bptplr::kernels
