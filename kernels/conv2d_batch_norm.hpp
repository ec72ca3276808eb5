// Convolution in one pass with as much as possible of the batch normalisation that follows, and
// with the residual add of a pre-activation network: in training the statistics, with known
// statistics the whole normalisation. On a GPU this saves passes over the activations in device
// memory.
//
// In all functions z = conv2d(x, w) (see conv2d_forward) is rounded to T, and so is z + addend [n,
// out_h, out_w, k] if the addend is not null, as in separate passes. The first call of each shape
// in bfloat16 measures whether one pass is faster than several, and may wait for the device.
#pragma once

#include <cstdint>

#include "kernels/batch_norm.hpp"
#include "kernels/conv2d.hpp"

namespace bptplr::kernels {

/// Known statistics and parameters of a normalisation, all [channels]; batch_norm_normalize defines
/// the result. S is float, or double with activations of double.
template <class S>
struct FixedBatchNorm {
  const S* mean;
  const S* variance;
  const S* weight;
  const S* bias;
  S eps;
  bool relu;
};

/// Returns the shape of a convolution's result for batch normalisation in `groups` batches of equal
/// size.
inline BatchNormShape batch_norm_shape(const Conv2dShape& shape, std::int64_t groups) {
  return {groups, shape.n / groups * shape.out_h() * shape.out_w(), shape.k};
}

/// Computes y = z + addend, and its mean and biased variance [groups, k] (see
/// batch_norm_statistics). y is not the addend.
template <class Context, class T>
void conv2d_statistics(const Context& ctx, const Conv2dShape& shape, std::int64_t groups,
                       const T* x, const T* w, const T* addend, T* y, StatOf<T>* mean,
                       StatOf<T>* variance);

/// Computes y = batch_norm(z + addend) and, unless `sum` is null, sum = z + addend. Neither is the
/// addend.
template <class Context, class T>
void conv2d_normalized(const Context& ctx, const Conv2dShape& shape, const T* x, const T* w,
                       const T* addend, const FixedBatchNorm<StatOf<T>>& norm, T* sum, T* y);

}  // namespace bptplr::kernels
