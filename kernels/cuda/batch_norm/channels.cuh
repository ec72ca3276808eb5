// What the passes of batch normalisation share: how they are launched, and what a thread holds of
// its channels: moments, sums of gradients, and how to normalise.
#pragma once

#include "kernels/conv2d_batch_norm.hpp"
#include "kernels/cuda/device/channels.cuh"
#include "kernels/cuda/runtime/launch.hpp"

namespace bptplr::kernels {

inline constexpr int kBatchNormThreads = 512;
/// Two for each SM of an H200, at once where 64 registers are enough, else one after the other; on
/// every GPU, because the order of the sums follows from it.
inline constexpr int kBatchNormBlocks = 2 * 132;
/// Chunks that a block combines side by side, for kWarp channels.
inline constexpr int kCombineSlices = 32;
inline constexpr int kCombineThreads = kWarp * kCombineSlices;

template <int kWidth>
ChannelTiling tiling_of(const BatchNormShape& s) {
  return {kBatchNormThreads, kWidth, s.groups, s.rows, s.channels, kBatchNormBlocks};
}

template <int kWidth>
LaunchShape pass_launch(const BatchNormShape& s, const ChannelTiling& t) {
  return {channel_grid(t, kWidth, s.groups), dim3(kBatchNormThreads)};
}

inline dim3 combine_grid(std::int64_t channels, std::int64_t groups) {
  return dim3(static_cast<unsigned>(div_up(channels, kWarp)), static_cast<unsigned>(groups));
}

/// Where a block leaves its pair of results for a channel, and who combines them:
/// partial [groups, chunks, 2, channels].
__device__ __forceinline__ std::int64_t partial_row(const RowChunks& c, int group, int chunk) {
  return (static_cast<std::int64_t>(group) * c.chunks + chunk) * 2 * c.channels;
}

inline std::int64_t partial_count(std::int64_t groups, const RowChunks& c) {
  return groups * c.chunks * 2 * c.channels;
}

inline double inverse_rows(std::int64_t rows) {
  return 1.0 / static_cast<double>(std::max<std::int64_t>(rows, 1));
}

/// mean and variance [groups, channels] of rows whose chunks' means and sums of squared deviations
/// are in `partial`.
void combine_moments(const CudaContext& ctx, std::int64_t groups, const RowChunks& chunks,
                     const float* partial, float* mean, float* variance);

/// Number, mean and sum of squared deviations of the values of kWidth channels.
template <int kWidth>
struct Moments {
  float count;
  Floats<kWidth> mean;
  Floats<kWidth> m2;

  template <int kRows, class T>
  __device__ void add(const RowBatch<kRows, kWidth, T>& x) {
    Moments rows{static_cast<float>(kRows), {}, {}};
    for (int k = 0; k < kWidth; ++k) {
      for (int r = 0; r < kRows; ++r) rows.mean.v[k] += x(r, k);
      rows.mean.v[k] *= 1.0f / kRows;
      for (int r = 0; r < kRows; ++r) {
        const float d = x(r, k) - rows.mean.v[k];
        rows.m2.v[k] += d * d;
      }
    }
    merge(rows);
  }

  __device__ void merge(const Moments& other) {
    if (other.count == 0.0f) return;
    const float total = count + other.count;
    const float share = other.count / total;
    for (int k = 0; k < kWidth; ++k) {
      const float delta = other.mean.v[k] - mean.v[k];
      mean.v[k] += delta * share;
      m2.v[k] += other.m2.v[k] + delta * delta * (count * share);
    }
    count = total;
  }
};

/// Sums of g and of g * (x - mean).
template <int kWidth>
struct GradientSums {
  Floats<kWidth> g;
  Floats<kWidth> gx;

  __device__ void merge(const GradientSums& other) {
    for (int k = 0; k < kWidth; ++k) {
      g.v[k] += other.g.v[k];
      gx.v[k] += other.gx.v[k];
    }
  }
};

/// Two sums in double, for the combining kernels.
struct PairSum {
  double a, b;
  __device__ void merge(const PairSum& other) {
    a += other.a;
    b += other.b;
  }
};

/// The arrays that say how to normalise: mean and variance [groups, channels], weight and bias
/// [channels].
struct Normalizer {
  const float* mean;
  const float* variance;
  const float* weight;
  const float* bias;
  float eps;
};

/// Sums [groups, channels] of g and of g (x - mean) over the rows of each group, of the whole
/// batch.
struct GradientTotals {
  const double* g;
  const double* gx;
  double inverse_rows;  ///< 0 for fixed statistics
};

/// Channels of the widest tile.
inline constexpr int kTileChannels = kWarp * kVecWidth<bfloat16>;

/// What a block knows about its channels, computed once.
struct alignas(16) ChannelTable {
  float mean[kTileChannels];
  float scale[kTileChannels];  // weight / sqrt(variance + eps)
  float bias[kTileChannels];

  template <int kWidth>
  __device__ void fill(const ChannelTiling& t, const ChannelPlace<kWidth>& at,
                       const Normalizer& n) {
    for (int i = static_cast<int>(threadIdx.x); i < t.tile * kWidth;
         i += static_cast<int>(blockDim.x)) {
      const int c = at.first + i;
      if (c >= t.channels) break;
      const std::int64_t own = static_cast<std::int64_t>(at.group) * t.channels + c;
      mean[i] = n.mean[own];
      scale[i] = n.weight[c] / sqrtf(n.variance[own] + n.eps);
      bias[i] = n.bias[c];
    }
  }
};

/// How dx = scale * (g - mean_g - (x - mean) * slope) follows, for the channels of a block's tile;
/// both zero for fixed statistics.
struct alignas(16) CorrectionTable {
  float mean_g[kTileChannels];
  float slope[kTileChannels];

  template <int kWidth>
  __device__ void fill(const ChannelTiling& t, const ChannelPlace<kWidth>& at, const Normalizer& n,
                       const GradientTotals& total) {
    for (int i = static_cast<int>(threadIdx.x); i < t.tile * kWidth;
         i += static_cast<int>(blockDim.x)) {
      const int c = at.first + i;
      if (c >= t.channels) break;
      const std::int64_t own = static_cast<std::int64_t>(at.group) * t.channels + c;
      const double invstd = 1.0 / sqrt(static_cast<double>(n.variance[own]) + n.eps);
      mean_g[i] = static_cast<float>(total.g[own] * total.inverse_rows);
      slope[i] = static_cast<float>(total.gx[own] * invstd * invstd * total.inverse_rows);
    }
  }
};

/// The thread's part of the table. The mean is not folded into a shift: x - mean first loses no
/// digits where the mean is large.
template <int kWidth>
struct Affine {
  Floats<kWidth> mean, scale, bias;

  __device__ Affine(const ChannelTable& table, int local)
      : mean(load_values<kWidth>(table.mean + local)),
        scale(load_values<kWidth>(table.scale + local)),
        bias(load_values<kWidth>(table.bias + local)) {}
  /// Of the channels from `first`, with statistics of one group.
  __device__ Affine(const FixedBatchNorm<float>& n, int first)
      : mean(load_values<kWidth>(n.mean + first)),
        scale(load_values<kWidth>(n.weight + first)),
        bias(load_values<kWidth>(n.bias + first)) {
    const Floats<kWidth> variance = load_values<kWidth>(n.variance + first);
    for (int k = 0; k < kWidth; ++k) scale.v[k] /= sqrtf(variance.v[k] + n.eps);
  }

  __device__ float operator()(int k, float x) const {
    return (x - mean.v[k]) * scale.v[k] + bias.v[k];
  }
};

}  // namespace bptplr::kernels
