// One after the other: a batch of a CPU is small enough that a pass finds much of it in the cache.
#include "kernels/cpu/conv2d/batch_norm_in_passes.hpp"

namespace bptplr::kernels {

template <class Context, class T>
void conv2d_statistics(const Context& ctx, const Conv2dShape& shape, std::int64_t groups,
                       const T* x, const T* w, const T* addend, T* y, StatOf<T>* mean,
                       StatOf<T>* variance) {
  statistics_in_passes(ctx, shape, groups, x, w, addend, y, mean, variance);
}

template <class Context, class T>
void conv2d_normalized(const Context& ctx, const Conv2dShape& shape, const T* x, const T* w,
                       const T* addend, const FixedBatchNorm<StatOf<T>>& norm, T* sum, T* y) {
  normalized_in_passes(ctx, shape, x, w, addend, norm, sum, y);
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
