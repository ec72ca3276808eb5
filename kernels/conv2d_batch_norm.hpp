// A convolution and what of the batch normalisation behind it can be done in the same pass, with
// the residual add of a pre-activation network if there is one: in training the statistics, with
// known statistics all of it. On a GPU, where activations come from memory and go there, that saves
// passes.
//
// In all of them z = conv2d(x, w) (see conv2d_forward) is rounded to T, and so is z + addend
// [n, out_h, out_w, k] where the addend is not null, as if one followed the other. The first call
// of each shape in bfloat16 measures whether one pass is faster than several, and may wait for the
// device.
#pragma once

#include <cstdint>

#include "kernels/batch_norm.hpp"
#include "kernels/conv2d.hpp"

namespace bptplr::kernels {

/// Statistics that are known, and parameters, all [channels], and how y follows from them: see
/// batch_norm_normalize. S is float, or double beside activations of double.
template <class S>
struct FixedBatchNorm {
  const S* mean;
  const S* variance;
  const S* weight;
  const S* bias;
  S eps;
  bool relu;
};

/// The result of a convolution as batch normalisation sees it: `groups` batches of the same size.
inline BatchNormShape batch_norm_shape(const Conv2dShape& shape, std::int64_t groups) {
  return {groups, shape.n / groups * shape.out_h() * shape.out_w(), shape.k};
}

/// y = z + addend, and its mean and biased variance [groups, k] (see batch_norm_statistics). y is
/// not the addend.
template <class Context, class T>
void conv2d_statistics(const Context& ctx, const Conv2dShape& shape, std::int64_t groups,
                       const T* x, const T* w, const T* addend, T* y, StatOf<T>* mean,
                       StatOf<T>* variance);

/// y = batch_norm(z + addend); sum = z + addend too, unless it is null. Neither is the addend.
template <class Context, class T>
void conv2d_normalized(const Context& ctx, const Conv2dShape& shape, const T* x, const T* w,
                       const T* addend, const FixedBatchNorm<StatOf<T>>& norm, T* sum, T* y);

}  // namespace bptplr::kernels
