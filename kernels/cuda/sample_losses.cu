// What every sample is judged by. Cross-entropies, divergences and pseudo labels are of rows of
// logits, one to a warp (softmax_row.cuh), read once (a second time from the cache where they are
// of two networks). The normalisation needs the smallest and the largest value of all: blocks leave
// ranges for a second launch, in which every block joins them for itself (a few KiB from the L2
// cache) before it scales its values; they are read twice and written once.
#include <algorithm>

#include "kernels/cuda/device/softmax_row.cuh"
#include "kernels/sample_losses.hpp"

namespace bptplr::kernels {
namespace {

template <int kPerLane>
__global__ void __launch_bounds__(kRowThreads)
    cross_entropy_kernel(std::int64_t rows, int classes, const float* logits,
                         const std::int64_t* labels, float* losses) {
  const std::int64_t row = warp_row();
  if (row >= rows) return;  // a whole warp leaves at once
  const auto z = lane_row<kPerLane>(classes, logits + row * classes);
  const float largest = row_max(z);
  // In double: of a sample that is learnt the sum is 1 and the little that counts.
  const double sum = row_sum<double>(
      z, [&](int, float logit) { return static_cast<double>(expf(logit - largest)); });
  if (warp_lane() == 0) {
    const double label_logit = logits[row * classes + labels[row]];
    losses[row] = static_cast<float>(largest + log(sum) - label_logit);
  }
}

/// The divergence by the formulas of kernels/cpu, which keep what is small of a sample that is
/// learnt. Probabilities are float, and may sum to a little more than 1: made to sum to 1 in
/// double, they leave no logarithm of a negative number.
template <int kPerLane>
__global__ void __launch_bounds__(kRowThreads)
    jensen_shannon_kernel(std::int64_t rows, int classes, const float* logits_1,
                          const float* logits_2, const std::int64_t* labels, double factor,
                          float* distances) {
  constexpr float kEpsilon = 1e-10f;
  const std::int64_t row = warp_row();
  if (row >= rows) return;
  const float* z_1 = logits_1 + row * classes;
  const float* z_2 = logits_2 + row * classes;
  const int label = static_cast<int>(labels[row]);
  const Softmax softmax_1(lane_row<kPerLane>(classes, z_1));
  const Softmax softmax_2(lane_row<kPerLane>(classes, z_2));
  const auto p = lane_row<kPerLane>(classes, [&](int c) {
    return 0.5f * (softmax_1.probability(z_1[c]) + softmax_2.probability(z_2[c]));
  });
  const double rest =
      row_sum<double>(p, [&](int c, float value) { return c == label ? 0.0 : double{value}; });
  const double divergence = row_sum<double>(p, [&](int c, float value) {
    const float half = 0.5f * value;
    return c == label ? 0.0 : double{value} * log1pf(half / (half + kEpsilon));
  });
  if (warp_lane() == 0) {
    const double own =
        0.5f * (softmax_1.probability(z_1[label]) + softmax_2.probability(z_2[label]));
    const double sum = own + rest;
    const double r = rest / sum;
    const double h = r / (2.0 - r + 2.0 * kEpsilon);
    const double of_label = own / sum * log1p(-h) + log1p(h);
    distances[row] = static_cast<float>(factor * 0.5 * (divergence / sum + of_label));
  }
}

/// The largest value that was offered and its class, the lowest of several.
struct Best {
  float value = -kInfinity;
  int label = 0;

  __device__ void offer(int other_label, float other) {
    if (other > value || (other == value && other_label < label)) {
      value = other;
      label = other_label;
    }
  }
};

/// The best of the lanes, in every lane.
__device__ Best warp_best(Best best) {
#pragma unroll
  for (int lanes = kWarp / 2; lanes > 0; lanes /= 2) {
    const float value = __shfl_xor_sync(kAllLanes, best.value, lanes);
    best.offer(__shfl_xor_sync(kAllLanes, best.label, lanes), value);
  }
  return best;
}

template <int kPerLane>
__global__ void __launch_bounds__(kRowThreads)
    pseudo_labels_kernel(std::int64_t rows, int classes, float threshold,
                         const float* prototype_logits, const float* logits, std::int64_t* labels) {
  const std::int64_t row = warp_row();
  if (row >= rows) return;
  const float* s = prototype_logits + row * classes;
  const auto z = lane_row<kPerLane>(classes, logits + row * classes);
  const Softmax of_prototypes(lane_row<kPerLane>(classes, s));
  const Softmax of_classifier(z);
  Best both, own;
  z.each([&](int c, float logit) {
    const float sum = of_prototypes.probability(s[c]) + of_classifier.probability(logit);
    both.offer(c, 0.5f * sum);
    own.offer(c, logit);
  });
  both = warp_best(both);
  own = warp_best(own);
  if (warp_lane() == 0) labels[row] = both.value > threshold ? both.label : own.label;
}

constexpr int kThreads = 256;
constexpr std::int64_t kMaxBlocks = 512;

/// Smallest and largest value that is not NaN.
struct Range {
  float low = kInfinity;
  float high = -kInfinity;

  __device__ void include(float x) {
    low = x < low ? x : low;
    high = x > high ? x : high;
  }
  __device__ void join(const Range& other) {
    low = fminf(low, other.low);
    high = fmaxf(high, other.high);
  }
};

/// The range that holds those of all threads of a block, in every thread.
__device__ Range block_range(const Range& own) {
  __shared__ float low[kThreads / kWarp], high[kThreads / kWarp];
  const float warp_low = -warp_max(-own.low);
  const float warp_high = warp_max(own.high);
  if (warp_lane() == 0) {
    low[threadIdx.x / kWarp] = warp_low;
    high[threadIdx.x / kWarp] = warp_high;
  }
  __syncthreads();
  Range all;
#pragma unroll
  for (int w = 0; w < kThreads / kWarp; ++w) all.join({low[w], high[w]});
  return all;
}

/// Calls use(first, Vec) for all values x [n] that are the thread's, kWidth at a time, and the last
/// ones, which fill no vector, one at a time.
template <int kWidth, class Fn>
__device__ void for_each_vector(const float* x, std::int64_t n, Fn use) {
  const std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  const std::int64_t threads = static_cast<std::int64_t>(gridDim.x) * kThreads;
  const std::int64_t in_vectors = n - n % kWidth;
  for (std::int64_t i = first * kWidth; i < in_vectors; i += threads * kWidth) {
    use(i, load_vec<float, kWidth>(x + i));
  }
  for (std::int64_t i = in_vectors + first; i < n; i += threads) use(i, load_vec<float, 1>(x + i));
}

template <int kWidth>
__global__ void __launch_bounds__(kThreads)
    range_kernel(std::int64_t n, const float* x, Range* ranges) {
  Range range;
  for_each_vector<kWidth>(x, n, [&](std::int64_t, const auto& values) {
    for (const float value : values.v) range.include(value);
  });
  range = block_range(range);
  if (threadIdx.x == 0) ranges[blockIdx.x] = range;
}

template <int kWidth>
__global__ void __launch_bounds__(kThreads)
    normalize_kernel(std::int64_t n, const float* x, const Range* ranges, int blocks, float* out) {
  Range range;
  for (int b = static_cast<int>(threadIdx.x); b < blocks; b += kThreads) range.join(ranges[b]);
  range = block_range(range);
  const float width = range.high - range.low;
  for_each_vector<kWidth>(x, n, [&](std::int64_t i, auto values) {
    for (float& value : values.v) {
      const float above = value - range.low;
      value = width == 0.0f ? above : above / width;
    }
    store_vec(out + i, values);
  });
}

/// A thread a sample: two reads of 4 bytes and one write of 8, each side by side in a warp.
__global__ void __launch_bounds__(kThreads)
    interleave_kernel(std::int64_t n, const float* a, const float* b, float* out) {
  const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i < n) store_vec(out + 2 * i, Vec<float, 2>{{a[i], b[i]}});
}

}  // namespace

template <>
void sample_cross_entropy(const CudaContext& ctx, std::int64_t rows, std::int64_t classes,
                          const float* logits, const std::int64_t* labels, float* losses) {
  with_values_per_lane(classes, [&](auto per_lane) {
    launch(ctx, row_launch(rows), cross_entropy_kernel<per_lane>, rows, classes, logits, labels,
           losses);
  });
}

template <>
void min_max_normalize(const CudaContext& ctx, std::int64_t n, const float* x, float* out) {
  const bool wide = can_vectorize(x, 0) && can_vectorize(out, 0);
  const auto blocks = static_cast<unsigned>(
      std::min(kMaxBlocks, div_up(n, std::int64_t{kThreads} * kVecWidth<float>)));
  auto* ranges = ctx.scratch<Range>(blocks);
  const LaunchShape shape{dim3(blocks), dim3(kThreads)};
  launch(ctx, shape, wide ? range_kernel<4> : range_kernel<1>, n, x, ranges);
  launch(ctx, shape, wide ? normalize_kernel<4> : normalize_kernel<1>, n, x, ranges, blocks, out);
}

template <>
void interleave(const CudaContext& ctx, std::int64_t n, const float* a, const float* b,
                float* out) {
  launch(ctx, {dim3(static_cast<unsigned>(div_up(n, kThreads))), dim3(kThreads)}, interleave_kernel,
         n, a, b, out);
}

template <>
void sample_jensen_shannon(const CudaContext& ctx, std::int64_t rows, std::int64_t classes,
                           const float* logits_1, const float* logits_2, const std::int64_t* labels,
                           double inverse_log_base, float* distances) {
  with_values_per_lane(classes, [&](auto per_lane) {
    launch(ctx, row_launch(rows), jensen_shannon_kernel<per_lane>, rows, classes, logits_1,
           logits_2, labels, inverse_log_base, distances);
  });
}

template <>
void pseudo_labels(const CudaContext& ctx, std::int64_t rows, std::int64_t classes,
                   double threshold, const float* prototype_logits, const float* logits,
                   std::int64_t* labels) {
  with_values_per_lane(classes, [&](auto per_lane) {
    launch(ctx, row_launch(rows), pseudo_labels_kernel<per_lane>, rows, classes, threshold,
           prototype_logits, logits, labels);
  });
}

}  // namespace bptplr::kernels
