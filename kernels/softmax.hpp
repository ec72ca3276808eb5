// Softmax family over the last axis of [n, classes].
#pragma once

#include <cstdint>

#include "kernels/context.hpp"

namespace bptplr::kernels {

/// y = softmax(x); y may be x.
template <class T>
void softmax(const CpuContext& ctx, const T* x, T* y, std::int64_t n, std::int64_t classes);
/// y = log(softmax(x)), without overflow for any finite x; y may be x.
template <class T>
void log_softmax_forward(const CpuContext& ctx, const T* x, T* y, std::int64_t n,
                         std::int64_t classes);
/// dx = dy - softmax(x) * sum(dy), with softmax(x) = exp(y).
template <class T>
void log_softmax_backward(const CpuContext& ctx, const T* y, const T* dy, T* dx, std::int64_t n,
                          std::int64_t classes);
/// Soft cross-entropy loss = -mean_i sum_c target log softmax(logits), and its gradient
/// (softmax(logits) * sum_c target - target) / n with respect to the logits. n = 0 gives 0.
template <class T>
void soft_cross_entropy(const CpuContext& ctx, const T* logits, const T* target, std::int64_t n,
                        std::int64_t classes, T* loss, T* dlogits);

/// The same on a GPU.
void softmax(const CudaContext& ctx, const float* x, float* y, std::int64_t n,
             std::int64_t classes);
void log_softmax_forward(const CudaContext& ctx, const float* x, float* y, std::int64_t n,
                         std::int64_t classes);
void log_softmax_backward(const CudaContext& ctx, const float* y, const float* dy, float* dx,
                          std::int64_t n, std::int64_t classes);
void soft_cross_entropy(const CudaContext& ctx, const float* logits, const float* target,
                        std::int64_t n, std::int64_t classes, float* loss, float* dlogits);

}  // namespace bptplr::kernels
