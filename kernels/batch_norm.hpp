// Batch normalisation over NHWC activations (Ioffe and Szegedy 2015), optionally fused with the
// ReLU that follows it, and *grouped*: G independent batches in one call, each with its own
// statistics. One call on G stacked batches equals G calls on the batches one after the other.
//
// T: float; double on a CPU; bfloat16 on a GPU, computed in float and rounded once.
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

/// Computes the mean and the biased variance of each group, both [groups, channels], of x [groups,
/// rows, channels].
template <class Context, class T>
void batch_norm_statistics(const Context& ctx, const BatchNormShape& shape, const T* x,
                           StatOf<T>* mean, StatOf<T>* variance);

/// Computes sum = a + b, rounded to T, and its statistics: the residual add of a pre-activation
/// network in one pass with the first half of the normalisation that follows. sum may be a or b.
template <class Context, class T>
void batch_norm_add_statistics(const Context& ctx, const BatchNormShape& shape, const T* a,
                               const T* b, T* sum, StatOf<T>* mean, StatOf<T>* variance);

/// Updates running = (1 - momentum) * running + momentum * group, for the groups in order. The
/// running variance uses the unbiased estimate, variance * rows / (rows - 1), as PyTorch does.
template <class Context, class S>
void batch_norm_update_running(const Context& ctx, const BatchNormShape& shape, const S* mean,
                               const S* variance, S momentum, S* running_mean, S* running_variance);

/// Computes y = (x - mean) / sqrt(variance + eps) * weight + bias, then the ReLU if requested. mean
/// and variance are [groups, channels]; weight and bias are [channels]. y may be x.
template <class Context, class T>
void batch_norm_normalize(const Context& ctx, const BatchNormShape& shape, const T* x,
                          const StatOf<T>* mean, const StatOf<T>* variance, const StatOf<T>* weight,
                          const StatOf<T>* bias, StatOf<T> eps, T* y);

/// Combines the statistics of parts of a batch that several processes hold, by Chan, Golub and
/// LeVeque's update in the order of the parts: `own` [parts, 2, groups, channels] are the mean and
/// the biased variance of each part, rows [parts] its rows per group, which may be 0. shape.rows
/// is not used.
template <class Context, class S>
void batch_norm_merge_statistics(const Context& ctx, const BatchNormShape& shape,
                                 std::int64_t parts, const std::int64_t* rows, const S* own,
                                 S* mean, S* variance);

/// What the gradients are computed from: x, and the gradient of y as dy + more_dy, the sum for a y
/// that two functions read, added here to save a pass (null: dy only). The ReLU's mask is
/// recomputed from x, so neither y nor the mask is needed.
template <class T>
struct BatchNormGradient {
  const T* x;
  const T* dy;
  const T* more_dy;
  const StatOf<T>* mean;      ///< [groups, channels]
  const StatOf<T>* variance;  ///< [groups, channels]
  const StatOf<T>* weight;
  const StatOf<T>* bias;
  StatOf<T> eps;
};

/// Computes the gradients of weight and bias and, for batch_norm_backward_input, sums [2, groups,
/// channels] of g and g (x - mean), where g is the gradient of y that the ReLU lets pass.
template <class Context, class T>
void batch_norm_backward_sums(const Context& ctx, const BatchNormShape& shape,
                              const BatchNormGradient<T>& in, double* sums, StatOf<T>* dweight,
                              StatOf<T>* dbias);

/// Computes the gradient of x, given the sums over the whole batch, which has `batch_rows` rows a
/// group; 0: mean and variance were constants, through which no gradient flows. dx may be dy or
/// more_dy.
template <class Context, class T>
void batch_norm_backward_input(const Context& ctx, const BatchNormShape& shape,
                               std::int64_t batch_rows, const BatchNormGradient<T>& in,
                               const double* sums, T* dx);

}  // namespace bptplr::kernels
