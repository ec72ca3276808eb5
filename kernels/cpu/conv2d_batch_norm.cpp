// One after the other: a batch of a CPU is small enough that a pass finds much of it in the cache.
#include "kernels/conv2d_batch_norm.hpp"

#include "kernels/elementwise.hpp"

namespace bptplr::kernels {

template <class T>
void conv2d_statistics(const CpuContext& ctx, const Conv2dShape& shape, std::int64_t groups,
                       const T* x, const T* w, const T* addend, T* y, T* mean, T* variance) {
  conv2d_forward(ctx, shape, x, w, y);
  const BatchNormShape norm = batch_norm_shape(shape, groups);
  if (addend == nullptr) return batch_norm_statistics(ctx, norm, y, mean, variance);
  batch_norm_add_statistics(ctx, norm, y, addend, y, mean, variance);
}

template <class T>
void conv2d_normalized(const CpuContext& ctx, const Conv2dShape& shape, const T* x, const T* w,
                       const T* addend, const FixedBatchNorm<T>& norm, T* sum, T* y) {
  BatchNormShape rows = batch_norm_shape(shape, 1);
  rows.relu = norm.relu;
  T* const z = sum != nullptr ? sum : y;
  conv2d_forward(ctx, shape, x, w, z);
  if (addend != nullptr) add(ctx, z, addend, z, rows.rows * rows.channels);
  batch_norm_normalize(ctx, rows, z, norm.mean, norm.variance, norm.weight, norm.bias, norm.eps, y);
}

#define BPTPLR_INSTANTIATE(T)                                                                    \
  template void conv2d_statistics(const CpuContext&, const Conv2dShape&, std::int64_t, const T*, \
                                  const T*, const T*, T*, T*, T*);                               \
  template void conv2d_normalized(const CpuContext&, const Conv2dShape&, const T*, const T*,     \
                                  const T*, const FixedBatchNorm<T>&, T*, T*);
BPTPLR_INSTANTIATE(float)
BPTPLR_INSTANTIATE(double)
#undef BPTPLR_INSTANTIATE

}  // namespace bptplr::kernels
