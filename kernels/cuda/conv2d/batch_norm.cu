// A convolution with the statistics of its result, or normalised: by our own kernels in one pass
// (see gather_store.cuh), or one after the other, the convolution by whoever is fastest.
// Which of them is measured for each shape: one pass saves memory traffic, but where cuDNN is far
// ahead with the convolution it is better off alone.
#include <tuple>
#include <type_traits>

#include "kernels/cpu/conv2d/batch_norm_in_passes.hpp"
#include "kernels/cuda/conv2d/tensor_core.hpp"
#include "kernels/cuda/device/block.cuh"
#include "kernels/cuda/runtime/fastest.hpp"

namespace bptplr::kernels {
namespace {

/// Whether our kernels can do it, with arrays where these are (or null).
template <class... Arrays>
bool has_choice(const Conv2dShape& shape, const Arrays*... arrays) {
  return tensor_cores_are_worth_trying(shape) &&
         (can_vectorize(arrays, kVecWidth<bfloat16>) && ...);
}

/// Whether they can read what normalises four channels at once.
bool has_choice(const FixedBatchNorm<float>& norm) {
  const auto aligned = [](const float* values) { return can_vectorize(values, kVecWidth<float>); };
  return aligned(norm.mean) && aligned(norm.variance) && aligned(norm.weight) && aligned(norm.bias);
}

}  // namespace

template <class Context, class T>
void conv2d_statistics(const Context& ctx, const Conv2dShape& shape, std::int64_t groups,
                       const T* x, const T* w, const T* addend, T* y, StatOf<T>* mean,
                       StatOf<T>* variance) {
  const auto in_passes = [&] {
    statistics_in_passes(ctx, shape, groups, x, w, addend, y, mean, variance);
  };
  if constexpr (std::is_same_v<T, bfloat16>) {
    if (has_choice(shape, x, w, addend, y)) {
      static Fastest<std::tuple<Conv2dShape, std::int64_t, bool>> fastest;
      const int tilings = gather_tilings(ctx);
      return fastest.run(ctx, {shape, groups, addend != nullptr}, tilings + 1, [&](int way) {
        if (way == tilings) return in_passes();
        tensor_core_forward_statistics(ctx, shape, way, groups, x, w, addend, y, mean, variance);
      });
    }
  }
  in_passes();
}

template <class Context, class T>
void conv2d_normalized(const Context& ctx, const Conv2dShape& shape, const T* x, const T* w,
                       const T* addend, const FixedBatchNorm<StatOf<T>>& norm, T* sum, T* y) {
  const auto in_passes = [&] { normalized_in_passes(ctx, shape, x, w, addend, norm, sum, y); };
  if constexpr (std::is_same_v<T, bfloat16>) {
    if (has_choice(shape, x, w, addend, sum, y) && has_choice(norm)) {
      static Fastest<std::tuple<Conv2dShape, bool, bool>> fastest;
      const int tilings = gather_tilings(ctx);
      return fastest.run(
          ctx, {shape, addend != nullptr, sum != nullptr}, tilings + 1, [&](int way) {
            if (way == tilings) return in_passes();
            tensor_core_forward_normalized(ctx, shape, way, x, w, addend, norm, sum, y);
          });
    }
  }
  in_passes();
}

#define BPTPLR_INSTANTIATE(T)                                                                     \
  template void conv2d_statistics(const CudaContext&, const Conv2dShape&, std::int64_t, const T*, \
                                  const T*, const T*, T*, float*, float*);                        \
  template void conv2d_normalized(const CudaContext&, const Conv2dShape&, const T*, const T*,     \
                                  const T*, const FixedBatchNorm<float>&, T*, T*);
BPTPLR_INSTANTIATE(float)
BPTPLR_INSTANTIATE(bfloat16)
#undef BPTPLR_INSTANTIATE

}  // namespace bptplr::kernels
