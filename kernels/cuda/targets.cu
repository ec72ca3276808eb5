// Soft targets in one launch each. A warp takes a row (softmax_row.cuh): the mean of its softmaxes
// and the sharpened targets never leave the warp, so the floor is the logits read once and the
// targets written once. For a mean, each batch's row is first normalised by itself; then the rows
// of all batches are read side by side, from the cache.
#include "kernels/cuda/device/softmax_row.cuh"
#include "kernels/targets.hpp"

namespace bptplr::kernels {
namespace {

/// Writes p, a row of probabilities, sharpened. Powers are taken of p_c / max p, as on the CPU.
template <class Row>
__device__ void write_sharpened(const Row& p, float inverse_temperature, float* targets) {
  const float inverse_max = 1.0f / row_max(p);
  const auto powers =
      p.map([&](float value) { return powf(value * inverse_max, inverse_temperature); });
  const float inverse_sum = 1.0f / row_sum<float>(powers, [](int, float power) { return power; });
  powers.each([&](int c, float power) { targets[c] = power * inverse_sum; });
}

template <int kPerLane>
__global__ void __launch_bounds__(kRowThreads)
    sharpen_kernel(const float* p, std::int64_t rows, int classes, float inverse_temperature,
                   float* targets) {
  const std::int64_t row = warp_row();
  if (row >= rows) return;  // a whole warp leaves at once
  write_sharpened(lane_row<kPerLane>(classes, p + row * classes), inverse_temperature,
                  targets + row * classes);
}

template <int kBatches>
struct Batches {
  const float* logits[kBatches];
};

/// p = w onehot(label) + (1 - w) mean over the batches of softmax; w = 0 without labels.
template <int kPerLane, int kBatches>
__global__ void __launch_bounds__(kRowThreads)
    guess_kernel(Batches<kBatches> batches, const std::int64_t* labels, const float* w,
                 std::int64_t rows, int classes, float inverse_temperature, float* targets,
                 float* unsharpened) {
  const std::int64_t row = warp_row();
  if (row >= rows) return;
  float max[kBatches], weight[kBatches];
  const float clean = labels != nullptr ? w[row] : 0.0f;
  const int label = labels != nullptr ? static_cast<int>(labels[row]) : -1;
#pragma unroll
  for (int b = 0; b < kBatches; ++b) {
    batches.logits[b] += row * classes;
    const Softmax softmax(lane_row<kPerLane>(classes, batches.logits[b]));
    max[b] = softmax.max;
    weight[b] = (1.0f - clean) / kBatches * softmax.inverse_sum;
  }
  const auto p = lane_row<kPerLane>(classes, [&](int c) {
    float sum = c == label ? clean : 0.0f;
#pragma unroll
    for (int b = 0; b < kBatches; ++b) sum += weight[b] * expf(batches.logits[b][c] - max[b]);
    return sum;
  });
  if (unsharpened != nullptr) {
    p.each([&](int c, float value) { unsharpened[row * classes + c] = value; });
  }
  write_sharpened(p, inverse_temperature, targets + row * classes);
}

template <int kBatches>
void launch_guess(const CudaContext& ctx, std::int64_t rows, std::int64_t classes,
                  double temperature, const Batches<kBatches>& batches, const std::int64_t* labels,
                  const float* w, float* targets, float* p) {
  with_values_per_lane(classes, [&](auto per_lane) {
    launch(ctx, row_launch(rows), guess_kernel<per_lane, kBatches>, batches, labels, w, rows,
           classes, 1.0 / temperature, targets, p);
  });
}

}  // namespace

template <>
void sharpen(const CudaContext& ctx, std::int64_t rows, std::int64_t classes, double temperature,
             const float* p, float* targets) {
  with_values_per_lane(classes, [&](auto per_lane) {
    launch(ctx, row_launch(rows), sharpen_kernel<per_lane>, p, rows, classes, 1.0 / temperature,
           targets);
  });
}

template <>
void co_guess(const CudaContext& ctx, std::int64_t rows, std::int64_t classes, double temperature,
              const float* logits_k1, const float* logits_k2, const float* logits_j1,
              const float* logits_j2, float* targets, float* p) {
  const Batches<4> batches{{logits_k1, logits_k2, logits_j1, logits_j2}};
  launch_guess(ctx, rows, classes, temperature, batches, nullptr, nullptr, targets, p);
}

template <>
void co_refine(const CudaContext& ctx, std::int64_t rows, std::int64_t classes, double temperature,
               const float* logits_k1, const float* logits_k2, const std::int64_t* labels,
               const float* w, float* targets, float* p) {
  const Batches<2> batches{{logits_k1, logits_k2}};
  launch_guess(ctx, rows, classes, temperature, batches, labels, w, targets, p);
}

}  // namespace bptplr::kernels
