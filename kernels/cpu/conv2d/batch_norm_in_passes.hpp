// conv2d_batch_norm.hpp one pass after the other, by the kernels of any device: what a CPU does,
// and a GPU where one pass is not faster or not possible.
#pragma once

#include "kernels/conv2d_batch_norm.hpp"
#include "kernels/elementwise.hpp"

namespace bptplr::kernels {

template <class Context, class T, class S>
void statistics_in_passes(const Context& ctx, const Conv2dShape& shape, std::int64_t groups,
                          const T* x, const T* w, const T* addend, T* y, S* mean, S* variance) {
  conv2d_forward(ctx, shape, x, w, y);
  const BatchNormShape norm = batch_norm_shape(shape, groups);
  if (addend == nullptr) return batch_norm_statistics(ctx, norm, y, mean, variance);
  batch_norm_add_statistics(ctx, norm, y, addend, y, mean, variance);
}

template <class Context, class T, class S>
void normalized_in_passes(const Context& ctx, const Conv2dShape& shape, const T* x, const T* w,
                          const T* addend, const FixedBatchNorm<S>& norm, T* sum, T* y) {
  BatchNormShape rows = batch_norm_shape(shape, 1);
  rows.relu = norm.relu;
  T* const z = sum != nullptr ? sum : y;
  conv2d_forward(ctx, shape, x, w, z);
  if (addend != nullptr) add(ctx, z, addend, z, rows.rows * rows.channels);
  batch_norm_normalize(ctx, rows, z, norm.mean, norm.variance, norm.weight, norm.bias, norm.eps, y);
}

}  // namespace bptplr::kernels
