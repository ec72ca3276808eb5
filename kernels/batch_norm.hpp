// Batch normalisation over NHWC activations (Ioffe and Szegedy 2015), optionally fused with the
// ReLU that follows it, and *grouped*: G independent batches in one call, each with statistics of
// its own. One call on G stacked batches equals G calls on the batches one after the other.
#pragma once

#include <cstdint>

#include "kernels/context.hpp"

namespace bptplr::kernels {

struct BatchNormShape {
  std::int64_t groups = 1;
  std::int64_t rows = 0;  ///< positions per group: images * height * width
  std::int64_t channels = 0;
  bool relu = false;  ///< y = max(., 0)

  std::int64_t total_rows() const { return groups * rows; }
};

/// Statistics of each group: mean and biased variance, both [groups, channels], of
/// x [groups, rows, channels].
template <class T>
void batch_norm_statistics(const CpuContext& ctx, const BatchNormShape& shape, const T* x, T* mean,
                           T* variance);

/// sum = a + b, rounded to T, and its statistics: the residual add of a pre-activation network in
/// one pass with the first half of the normalisation that follows. sum may be a or b.
template <class T>
void batch_norm_add_statistics(const CpuContext& ctx, const BatchNormShape& shape, const T* a,
                               const T* b, T* sum, T* mean, T* variance);

/// running = (1 - momentum) * running + momentum * group, for the groups in their order; the
/// running variance takes the unbiased estimate, variance * rows / (rows - 1), as PyTorch does.
template <class T>
void batch_norm_update_running(const CpuContext& ctx, const BatchNormShape& shape, const T* mean,
                               const T* variance, T momentum, T* running_mean, T* running_variance);

/// y = (x - mean) / sqrt(variance + eps) * weight + bias, then the ReLU if asked for. mean and
/// variance are [groups, channels]; weight and bias are [channels]. y may be x.
template <class T>
void batch_norm_normalize(const CpuContext& ctx, const BatchNormShape& shape, const T* x,
                          const T* mean, const T* variance, const T* weight, const T* bias, T eps,
                          T* y);

/// Gradients. That of y is dy + more_dy: where two functions read y, their gradients are added up
/// here, not in a pass before (null: dy is all). `training`: mean and variance were computed from
/// x, so the gradient flows through them; otherwise they were constants. The ReLU's mask is
/// computed again from x, so neither y nor the mask need be kept. dx may be dy or more_dy.
template <class T>
void batch_norm_backward(const CpuContext& ctx, const BatchNormShape& shape, bool training,
                         const T* x, const T* dy, const T* more_dy, const T* mean,
                         const T* variance, const T* weight, const T* bias, T eps, T* dx,
                         T* dweight, T* dbias);

/// The same on a GPU, for activations of T = float and bfloat16; statistics, parameters and their
/// gradients are float.
template <class T>
void batch_norm_statistics(const CudaContext& ctx, const BatchNormShape& shape, const T* x,
                           float* mean, float* variance);
template <class T>
void batch_norm_add_statistics(const CudaContext& ctx, const BatchNormShape& shape, const T* a,
                               const T* b, T* sum, float* mean, float* variance);
void batch_norm_update_running(const CudaContext& ctx, const BatchNormShape& shape,
                               const float* mean, const float* variance, float momentum,
                               float* running_mean, float* running_variance);
template <class T>
void batch_norm_normalize(const CudaContext& ctx, const BatchNormShape& shape, const T* x,
                          const float* mean, const float* variance, const float* weight,
                          const float* bias, float eps, T* y);
template <class T>
void batch_norm_backward(const CudaContext& ctx, const BatchNormShape& shape, bool training,
                         const T* x, const T* dy, const T* more_dy, const float* mean,
                         const float* variance, const float* weight, const float* bias, float eps,
                         T* dx, float* dweight, float* dbias);

}  // namespace bptplr::kernels
