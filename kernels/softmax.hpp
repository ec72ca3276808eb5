// Softmax family over the last axis of [n, classes]. T: float; double on a CPU.
#pragma once

#include <cstdint>

#include "kernels/context.hpp"

namespace bptplr::kernels {

/// Computes y = softmax(x); y may be x.
template <class Context, class T>
void softmax(const Context& ctx, const T* x, T* y, std::int64_t n, std::int64_t classes);
/// Computes the soft cross-entropy loss = -mean_i sum_c target log softmax(logits), and its
/// gradient (softmax(logits) * sum_c target - target) / n with respect to the logits. n = 0 gives
/// 0.
template <class Context, class T>
void soft_cross_entropy(const Context& ctx, const T* logits, const T* target, std::int64_t n,
                        std::int64_t classes, T* loss, T* dlogits);

}  // namespace bptplr::kernels
