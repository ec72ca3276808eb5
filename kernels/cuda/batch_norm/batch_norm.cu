// Batch normalisation. Every pass goes over the activations as channels.cuh says: a thread keeps
// to 16 bytes of channels, so that their statistics, parameters and sums are in its registers, and
// a pass that follows another goes the other way, for what is still in L2.
//
//   normalize    reads x, writes y: 4 N bytes for N bfloat16 values.
//   backward     sums (x and dy: 4 N bytes; 2 N more for a dy in two parts), combine; then dx (the
//                same again, and 2 N to write it). Adding the parts before would take 6 N. They are
//                two calls, as the sums of several processes are added between them.
//
// Statistics are in statistics.cu, or come with a convolution (conv2d/gather_store.cuh).
#include <algorithm>
#include <limits>

#include "kernels/batch_norm.hpp"
#include "kernels/cuda/batch_norm/channels.cuh"
#include "kernels/cuda/runtime/launch.hpp"

namespace bptplr::kernels {
namespace {

// --- Normalisation ------------------------------------------------------------------------------

template <int kWidth, class T>
__global__ void __launch_bounds__(kBatchNormThreads, 2)
    normalize_kernel(ChannelTiling t, Normalizer n, float floor, const T* x, T* y) {
  __shared__ ChannelTable table;
  const ChannelPlace<kWidth> at(t);
  table.fill(t, at, n);
  __syncthreads();
  if (at.begin >= at.end) return;
  const Affine<kWidth> affine(table, at.local);
  for_each_batch<true>(t, at, [&](auto rows, std::int64_t row) {
    constexpr int kRows = decltype(rows)::value;
    const RowBatch<kRows, kWidth, T> batch(t, at, x, row);
    for (int r = 0; r < kRows; ++r) {
      Floats<kWidth> out;
      for (int k = 0; k < kWidth; ++k) {
        const float value = affine(k, batch(r, k));
        // Written so that NaN passes through: it must reach the loss and be seen.
        out.v[k] = value < floor ? floor : value;
      }
      store_values(y + at.offset(row + r * t.slices), out);
    }
  });
}

// --- Backward: the formulas are those of kernels/cpu/batch_norm.cpp -----------------------------

/// What a kernel is compiled for: whether a ReLU follows, and whether dy comes in two parts.
template <bool kRelu_, bool kTwoParts_>
struct GradientKind {
  static constexpr bool kRelu = kRelu_;
  static constexpr bool kTwoParts = kTwoParts_;
};

template <class Fn>
void with_kind(bool relu, bool two_parts, Fn&& fn) {
  if (relu && two_parts) {
    fn(GradientKind<true, true>{});
  } else if (relu) {
    fn(GradientKind<true, false>{});
  } else if (two_parts) {
    fn(GradientKind<false, true>{});
  } else {
    fn(GradientKind<false, false>{});
  }
}

template <class T>
struct GradientInputs {
  const T* x;
  const T* dy;
  const T* more_dy;
};

/// Rows of x and of g = dy + more_dy where the ReLU let the value pass, else 0.
template <class Kind, int kRows, int kWidth, class T>
struct GradientBatch {
  RowBatch<kRows, kWidth, T> x;
  RowBatch<kRows, kWidth, T> dy;
  RowBatch<kRows, kWidth, T> more_dy;

  __device__ GradientBatch(const ChannelTiling& t, const ChannelPlace<kWidth>& at,
                           const GradientInputs<T>& in, std::int64_t row)
      : x(t, at, in.x, row), dy(t, at, in.dy, row) {
    if constexpr (Kind::kTwoParts) more_dy = {t, at, in.more_dy, row};
  }

  __device__ float g(const Affine<kWidth>& affine, int r, int k) const {
    float value = dy(r, k);
    if constexpr (Kind::kTwoParts) value += more_dy(r, k);
    if constexpr (Kind::kRelu) return affine(k, x(r, k)) > 0.0f ? value : 0.0f;
    return value;
  }
};

template <class Kind, int kWidth, class T>
__global__ void __launch_bounds__(kBatchNormThreads)
    gradient_sums_kernel(ChannelTiling t, Normalizer n, GradientInputs<T> in, float* partial) {
  __shared__ ChannelTable table;
  const ChannelPlace<kWidth> at(t);
  table.fill(t, at, n);
  __syncthreads();
  const Affine<kWidth> affine(table, at.local);
  GradientSums<kWidth> own{};
  for_each_batch<false>(t, at, [&](auto rows, std::int64_t row) {
    constexpr int kRows = decltype(rows)::value;
    const GradientBatch<Kind, kRows, kWidth, T> batch(t, at, in, row);
    for (int r = 0; r < kRows; ++r) {
      for (int k = 0; k < kWidth; ++k) {
        const float g = batch.g(affine, r, k);
        own.g.v[k] += g;
        own.gx.v[k] += g * (batch.x(r, k) - affine.mean.v[k]);
      }
    }
  });
  merge_slices<kBatchNormThreads>(own, at.slice, t.slices, t.tile);
  if (at.slice > 0 || at.channel() >= t.channels) return;
  float* out = partial + static_cast<std::int64_t>(blockIdx.x) * 2 * t.channels + at.channel();
  store_values(out, own.g);
  store_values(out + t.channels, own.gx);
}

/// Adds up the chunks to sums [2, groups, channels], and the groups in their order.
__global__ void __launch_bounds__(kCombineThreads, 1)
    combine_gradients_kernel(ChannelTiling t, int groups, const float* partial,
                             const float* variance, float eps, double* sums, float* dweight,
                             float* dbias) {
  const int slice = static_cast<int>(threadIdx.x) / kWarp;
  const int channel = static_cast<int>(blockIdx.x * kWarp + threadIdx.x % kWarp);
  const bool finishes = slice == 0 && channel < t.channels;
  float weight_sum = 0.0f;
  float bias_sum = 0.0f;
  for (int group = 0; group < groups; ++group) {
    PairSum sum{};
    for (int chunk = slice; chunk < t.chunks && channel < t.channels; chunk += kCombineSlices) {
      const float* own = partial + partial_row(t, group, chunk) + channel;
      sum.merge({own[0], own[t.channels]});
    }
    merge_slices<kCombineThreads>(sum, slice, kCombineSlices, kWarp);
    if (!finishes) continue;
    const std::int64_t i = static_cast<std::int64_t>(group) * t.channels + channel;
    const double invstd = 1.0 / sqrt(static_cast<double>(variance[i]) + eps);
    bias_sum += static_cast<float>(sum.a);
    weight_sum += static_cast<float>(sum.b * invstd);
    sums[i] = sum.a;
    sums[static_cast<std::int64_t>(groups) * t.channels + i] = sum.b;
  }
  if (!finishes) return;
  dbias[channel] = bias_sum;
  dweight[channel] = weight_sum;
}

// The compiler would spill a few registers for a second block on a multiprocessor where dy is in
// two parts; otherwise it finds room for it.
template <class Kind, int kWidth, class T>
__global__ void __launch_bounds__(kBatchNormThreads, Kind::kTwoParts ? 1 : 0)
    input_gradient_kernel(ChannelTiling t, Normalizer n, GradientTotals total, GradientInputs<T> in,
                          T* dx) {
  __shared__ ChannelTable table;
  __shared__ CorrectionTable corrections;
  const ChannelPlace<kWidth> at(t);
  table.fill(t, at, n);
  corrections.fill(t, at, n, total);
  __syncthreads();
  if (at.begin >= at.end) return;
  const Affine<kWidth> affine(table, at.local);
  const Floats<kWidth> mean_g = load_values<kWidth>(corrections.mean_g + at.local);
  const Floats<kWidth> slope = load_values<kWidth>(corrections.slope + at.local);
  for_each_batch<true>(t, at, [&](auto rows, std::int64_t row) {
    constexpr int kRows = decltype(rows)::value;
    const GradientBatch<Kind, kRows, kWidth, T> batch(t, at, in, row);
    for (int r = 0; r < kRows; ++r) {
      Floats<kWidth> out;
      for (int k = 0; k < kWidth; ++k) {
        const float g = batch.g(affine, r, k);
        const float centred = batch.x(r, k) - affine.mean.v[k];
        out.v[k] = affine.scale.v[k] * (g - mean_g.v[k] - centred * slope.v[k]);
      }
      store_values(dx + at.offset(row + r * t.slices), out);
    }
  });
}

template <class T>
Normalizer normalizer_of(const BatchNormGradient<T>& in) {
  return {in.mean, in.variance, in.weight, in.bias, in.eps};
}

template <class T>
GradientInputs<T> inputs_of(const BatchNormGradient<T>& in) {
  return {in.x, in.dy, in.more_dy};
}

}  // namespace

template <class Context, class T>
void batch_norm_normalize(const Context& ctx, const BatchNormShape& s, const T* x,
                          const StatOf<T>* mean, const StatOf<T>* variance, const StatOf<T>* weight,
                          const StatOf<T>* bias, StatOf<T> eps, T* y) {
  const Normalizer n{mean, variance, weight, bias, eps};
  const float floor = s.relu ? 0.0f : -std::numeric_limits<float>::infinity();
  const auto run = [&](auto width) {
    constexpr int kWidth = decltype(width)::value;
    const ChannelTiling t = tiling_of<kWidth>(s);
    launch(ctx, pass_launch<kWidth>(s, t), normalize_kernel<kWidth, T>, t, n, floor, x, y);
  };
  with_width<T>(s.channels, run, x, y);
}

template <class Context, class T>
void batch_norm_backward_sums(const Context& ctx, const BatchNormShape& s,
                              const BatchNormGradient<T>& in, double* sums, StatOf<T>* dweight,
                              StatOf<T>* dbias) {
  const auto run = [&](auto width) {
    constexpr int kWidth = decltype(width)::value;
    const ChannelTiling t = tiling_of<kWidth>(s);
    float* partial = ctx.template scratch<float>(partial_count(s.groups, t));
    with_kind(s.relu, in.more_dy != nullptr, [&](auto kind) {
      launch(ctx, pass_launch<kWidth>(s, t), gradient_sums_kernel<decltype(kind), kWidth, T>, t,
             normalizer_of(in), inputs_of(in), partial);
    });
    launch(ctx, {combine_grid(s.channels, 1), dim3(kCombineThreads)}, combine_gradients_kernel, t,
           static_cast<int>(s.groups), partial, in.variance, in.eps, sums, dweight, dbias);
  };
  with_width<T>(s.channels, run, in.x, in.dy, in.more_dy);
}

template <class Context, class T>
void batch_norm_backward_input(const Context& ctx, const BatchNormShape& s, std::int64_t batch_rows,
                               const BatchNormGradient<T>& in, const double* sums, T* dx) {
  const GradientTotals total{sums, sums + s.groups * s.channels,
                             batch_rows > 0 ? inverse_rows(batch_rows) : 0.0};
  const auto run = [&](auto width) {
    constexpr int kWidth = decltype(width)::value;
    const ChannelTiling t = tiling_of<kWidth>(s);
    with_kind(s.relu, in.more_dy != nullptr, [&](auto kind) {
      launch(ctx, pass_launch<kWidth>(s, t), input_gradient_kernel<decltype(kind), kWidth, T>, t,
             normalizer_of(in), total, inputs_of(in), dx);
    });
  };
  with_width<T>(s.channels, run, in.x, in.dy, in.more_dy, dx);
}

#define BPTPLR_INSTANTIATE(T)                                                                      \
  template void batch_norm_normalize(const CudaContext&, const BatchNormShape&, const T*,          \
                                     const float*, const float*, const float*, const float*,       \
                                     float, T*);                                                   \
  template void batch_norm_backward_sums(const CudaContext&, const BatchNormShape&,                \
                                         const BatchNormGradient<T>&, double*, float*, float*);    \
  template void batch_norm_backward_input(const CudaContext&, const BatchNormShape&, std::int64_t, \
                                          const BatchNormGradient<T>&, const double*, T*);
BPTPLR_INSTANTIATE(float)
BPTPLR_INSTANTIATE(bfloat16)
#undef BPTPLR_INSTANTIATE

}  // namespace bptplr::kernels
