// What the threads of batch_norm.cu hold of their channels: moments, sums of gradients, and how to
// normalise.
#pragma once

#include "kernels/cuda/channels.cuh"

namespace bptplr::kernels {

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

/// The thread's part of the table. The mean is not folded into a shift: x - mean first loses no
/// digits where the mean is large.
template <int kWidth>
struct Affine {
  Floats<kWidth> mean, scale, bias;

  __device__ Affine(const ChannelTable& table, int local)
      : mean(load_values<kWidth>(table.mean + local)),
        scale(load_values<kWidth>(table.scale + local)),
        bias(load_values<kWidth>(table.bias + local)) {}

  __device__ float operator()(int k, float x) const {
    return (x - mean.v[k]) * scale.v[k] + bias.v[k];
  }
};

}  // namespace bptplr::kernels
