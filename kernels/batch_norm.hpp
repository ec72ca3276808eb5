// Batch normalisation over NHWC activations (Ioffe and Szegedy 2015), optionally fused with the
// ReLU that follows it, and *grouped*: G independent batches in one call, each with statistics of
// its own. One call on G stacked batches equals G calls on the batches one after the other.
//
// T: float; double on a CPU; bfloat16 on a GPU, which is computed in float and rounded once.
#pragma once

#include <cstdint>

#include "kernels/bfloat16.hpp"
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
template <class Context, class T>
void batch_norm_statistics(const Context& ctx, const BatchNormShape& shape, const T* x,
                           StatOf<T>* mean, StatOf<T>* variance);

/// sum = a + b, rounded to T, and its statistics: the residual add of a pre-activation network in
/// one pass with the first half of the normalisation that follows. sum may be a or b.
template <class Context, class T>
void batch_norm_add_statistics(const Context& ctx, const BatchNormShape& shape, const T* a,
                               const T* b, T* sum, StatOf<T>* mean, StatOf<T>* variance);

/// running = (1 - momentum) * running + momentum * group, for the groups in their order; the
/// running variance takes the unbiased estimate, variance * rows / (rows - 1), as PyTorch does.
template <class Context, class S>
void batch_norm_update_running(const Context& ctx, const BatchNormShape& shape, const S* mean,
                               const S* variance, S momentum, S* running_mean, S* running_variance);

/// y = (x - mean) / sqrt(variance + eps) * weight + bias, then the ReLU if asked for. mean and
/// variance are [groups, channels]; weight and bias are [channels]. y may be x.
template <class Context, class T>
void batch_norm_normalize(const Context& ctx, const BatchNormShape& shape, const T* x,
                          const StatOf<T>* mean, const StatOf<T>* variance, const StatOf<T>* weight,
                          const StatOf<T>* bias, StatOf<T> eps, T* y);

/// Gradients. That of y is dy + more_dy: where two functions read y, their gradients are added up
/// here, not in a pass before (null: dy is all). `training`: mean and variance were computed from
/// x, so the gradient flows through them; otherwise they were constants. The ReLU's mask is
/// computed again from x, so neither y nor the mask need be kept. dx may be dy or more_dy.
template <class Context, class T>
void batch_norm_backward(const Context& ctx, const BatchNormShape& shape, bool training, const T* x,
                         const T* dy, const T* more_dy, const StatOf<T>* mean,
                         const StatOf<T>* variance, const StatOf<T>* weight, const StatOf<T>* bias,
                         StatOf<T> eps, T* dx, StatOf<T>* dweight, StatOf<T>* dbias);

}  // namespace bptplr::kernels
