// Statistics of batch normalisation: moments of chunks of the rows, each a row of partial results,
// then a combination over the chunks.
//
// Reads x once: 2 N bytes for N bfloat16 values. With the residual add in the same pass: reads both
// summands, writes the sum, and the sum is not read again.
//
// Moments are exact where a sum of squares is not: a thread takes the mean of four rows and the
// squared deviations from it, and merges them into its own by Chan's formula, as slices are merged
// later. Combining is in double.
#include <algorithm>

#include "kernels/batch_norm.hpp"
#include "kernels/cuda/batch_norm/channels.cuh"
#include "kernels/cuda/runtime/launch.hpp"

namespace bptplr::kernels {
namespace {

constexpr int kUpdateThreads = 128;

/// Moments of each chunk of a, or (kAdd) of sum = a + b, which it writes.
template <bool kAdd, int kWidth, class T>
__global__ void __launch_bounds__(kBatchNormThreads, kAdd ? 1 : 2)
    moments_kernel(ChannelTiling t, const T* a, const T* b, T* sum, float* partial) {
  const ChannelPlace<kWidth> at(t);
  Moments<kWidth> own{};
  for_each_batch<false>(t, at, [&](auto rows, std::int64_t row) {
    constexpr int kRows = decltype(rows)::value;
    RowBatch<kRows, kWidth, T> x(t, at, a, row);
    if constexpr (kAdd) {
      const RowBatch<kRows, kWidth, T> y(t, at, b, row);
      for (int r = 0; r < kRows; ++r) {
        // Rounded first: the statistics are those of what later passes read.
        for (int k = 0; k < kWidth; ++k) x.rows[r].v[k] = static_cast<T>(x(r, k) + y(r, k));
        store_vec(sum + at.offset(row + r * t.slices), x.rows[r]);
      }
    }
    own.add(x);
  });
  merge_slices<kBatchNormThreads>(own, at.slice, t.slices, t.tile);
  if (at.slice > 0 || at.channel() >= t.channels) return;
  float* out = partial + static_cast<std::int64_t>(blockIdx.x) * 2 * t.channels + at.channel();
  store_values(out, own.mean);
  store_values(out + t.channels, own.m2);
}

/// Chan's formula for all chunks at once, with deviations from the first chunk's mean. That one is
/// near enough: squares of its distance lose nothing of double precision.
__global__ void __launch_bounds__(kCombineThreads, 1)
    combine_moments_kernel(RowChunks c, double inverse_rows, const float* partial, float* mean,
                           float* variance) {
  const int group = static_cast<int>(blockIdx.y);
  const int slice = static_cast<int>(threadIdx.x) / kWarp;
  const int channel = static_cast<int>(blockIdx.x * kWarp + threadIdx.x % kWarp);
  PairSum sum{};
  double origin = 0.0;
  if (channel < c.channels) {
    origin = partial[partial_row(c, group, 0) + channel];
    for (int chunk = slice; chunk < c.chunks; chunk += kCombineSlices) {
      const float* own = partial + partial_row(c, group, chunk) + channel;
      const auto rows = static_cast<double>(c.rows_in_chunk(chunk));
      const double delta = own[0] - origin;
      sum.merge({rows * delta, own[c.channels] + rows * delta * delta});
    }
  }
  merge_slices<kCombineThreads>(sum, slice, kCombineSlices, kWarp);
  if (slice > 0 || channel >= c.channels) return;
  const std::int64_t i = static_cast<std::int64_t>(group) * c.channels + channel;
  mean[i] = static_cast<float>(origin + sum.a * inverse_rows);
  variance[i] = static_cast<float>((sum.b - sum.a * sum.a * inverse_rows) * inverse_rows);
}

template <bool kAdd, class T>
void statistics(const CudaContext& ctx, const BatchNormShape& s, const T* a, const T* b, T* sum,
                float* mean, float* variance) {
  const auto run = [&](auto width) {
    constexpr int kWidth = decltype(width)::value;
    const ChannelTiling t = tiling_of<kWidth>(s);
    float* partial = ctx.scratch<float>(partial_count(s.groups, t));
    launch(ctx, pass_launch<kWidth>(s, t), moments_kernel<kAdd, kWidth, T>, t, a, b, sum, partial);
    combine_moments(ctx, s.groups, t, partial, mean, variance);
  };
  with_width<T>(s.channels, run, a, b, sum);
}

__global__ void __launch_bounds__(kUpdateThreads)
    update_running_kernel(BatchNormShape s, const float* mean, const float* variance,
                          float momentum, float unbias, float* running_mean,
                          float* running_variance) {
  const std::int64_t c = static_cast<std::int64_t>(blockIdx.x) * kUpdateThreads + threadIdx.x;
  if (c >= s.channels) return;
  float m = running_mean[c];
  float v = running_variance[c];
  for (std::int64_t i = c; i < s.groups * s.channels; i += s.channels) {
    m = (1.0f - momentum) * m + momentum * mean[i];
    v = (1.0f - momentum) * v + momentum * variance[i] * unbias;
  }
  running_mean[c] = m;
  running_variance[c] = v;
}

/// A thread merges the parts of one group's channel, as kernels/cpu does.
__global__ void __launch_bounds__(kUpdateThreads)
    merge_statistics_kernel(std::int64_t all, int parts, const std::int64_t* rows, const float* own,
                            float* mean, float* variance) {
  const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kUpdateThreads + threadIdx.x;
  if (i >= all) return;
  double count = 0.0;
  double total_mean = 0.0;
  double m2 = 0.0;
  for (int part = 0; part < parts; ++part) {
    const auto more = static_cast<double>(rows[part]);
    if (more == 0.0) continue;
    const float* of = own + part * 2 * all + i;
    const double delta = of[0] - total_mean;
    const double sum = count + more;
    total_mean += delta * more / sum;
    m2 += of[all] * more + delta * delta * count * more / sum;
    count = sum;
  }
  mean[i] = static_cast<float>(total_mean);
  variance[i] = static_cast<float>(m2 / count);
}

}  // namespace

void combine_moments(const CudaContext& ctx, std::int64_t groups, const RowChunks& chunks,
                     const float* partial, float* mean, float* variance) {
  launch(ctx, {combine_grid(chunks.channels, groups), dim3(kCombineThreads)},
         combine_moments_kernel, chunks, inverse_rows(chunks.rows), partial, mean, variance);
}

template <class Context, class T>
void batch_norm_statistics(const Context& ctx, const BatchNormShape& s, const T* x, StatOf<T>* mean,
                           StatOf<T>* variance) {
  statistics<false, T>(ctx, s, x, nullptr, nullptr, mean, variance);
}

template <class Context, class T>
void batch_norm_add_statistics(const Context& ctx, const BatchNormShape& s, const T* a, const T* b,
                               T* sum, StatOf<T>* mean, StatOf<T>* variance) {
  statistics<true>(ctx, s, a, b, sum, mean, variance);
}

template <>
void batch_norm_update_running(const CudaContext& ctx, const BatchNormShape& s, const float* mean,
                               const float* variance, float momentum, float* running_mean,
                               float* running_variance) {
  const float unbias =
      static_cast<float>(s.rows) / static_cast<float>(std::max<std::int64_t>(s.rows - 1, 1));
  const auto blocks = static_cast<unsigned>(div_up(s.channels, kUpdateThreads));
  launch(ctx, {dim3(blocks), dim3(kUpdateThreads)}, update_running_kernel, s, mean, variance,
         momentum, unbias, running_mean, running_variance);
}

template <>
void batch_norm_merge_statistics(const CudaContext& ctx, const BatchNormShape& s,
                                 std::int64_t parts, const std::int64_t* rows, const float* own,
                                 float* mean, float* variance) {
  const std::int64_t all = s.groups * s.channels;
  launch(ctx, {dim3(static_cast<unsigned>(div_up(all, kUpdateThreads))), dim3(kUpdateThreads)},
         merge_statistics_kernel, all, static_cast<int>(parts), rows, own, mean, variance);
}

#define BPTPLR_INSTANTIATE(T)                                                                      \
  template void batch_norm_statistics(const CudaContext&, const BatchNormShape&, const T*, float*, \
                                      float*);                                                     \
  template void batch_norm_add_statistics(const CudaContext&, const BatchNormShape&, const T*,     \
                                          const T*, T*, float*, float*);
BPTPLR_INSTANTIATE(float)
BPTPLR_INSTANTIATE(bfloat16)
#undef BPTPLR_INSTANTIATE

}  // namespace bptplr::kernels
