// Softmax and the soft cross-entropy. A warp takes a row (softmax_row.cuh), so that
// sums over classes need no shared memory and each logit is read once and its result written once.
// The cross-entropy's value is a sum over all rows: blocks leave partial sums for a second launch,
// which adds them in the order of the rows.
#include "kernels/cuda/device/mean_over_rows.cuh"
#include "kernels/cuda/device/softmax_row.cuh"
#include "kernels/softmax.hpp"

namespace bptplr::kernels {
namespace {

template <int kPerLane>
__global__ void __launch_bounds__(kRowThreads)
    softmax_kernel(const float* x, float* y, std::int64_t n, int classes) {
  const std::int64_t row = warp_row();
  if (row >= n) return;  // a whole warp leaves at once
  const auto logits = lane_row<kPerLane>(classes, x + row * classes);
  const Softmax softmax(logits);
  y += row * classes;
  logits.each([&](int c, float z) { y[c] = softmax.probability(z); });
}

// The number of blocks keeps ptxas from spilling four bytes to fit more (sm_100).
template <int kPerLane>
__global__ void __launch_bounds__(kRowThreads, 2)
    soft_cross_entropy_kernel(const float* logits, const float* targets, std::int64_t n,
                              int classes, float inverse_n, double* partial, float* dlogits) {
  const std::int64_t row = warp_row();
  float loss = 0.0f;  // of the lane's columns
  if (row < n) {
    logits += row * classes;
    targets += row * classes;
    dlogits += row * classes;
    const auto z = lane_row<kPerLane>(classes, logits);
    const Softmax softmax(z);
    const auto log_p = z.map([&](float logit) { return softmax.log_probability(logit); });
    const float mass = row_sum<float>(lane_row<kPerLane>(classes, targets),
                                      [](int, float target) { return target; });
    log_p.each([&](int c, float log_probability) {
      const float target = targets[c];  // from the cache
      loss -= target * log_probability;
      dlogits[c] = (expf(log_probability) * mass - target) * inverse_n;
    });
  }
  const double sum = block_sum<kRowThreads>(static_cast<double>(loss));
  if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}

}  // namespace

template <>
void softmax(const CudaContext& ctx, const float* x, float* y, std::int64_t n,
             std::int64_t classes) {
  with_values_per_lane(classes, [&](auto per_lane) {
    launch(ctx, row_launch(n), softmax_kernel<per_lane>, x, y, n, classes);
  });
}

template <>
void soft_cross_entropy(const CudaContext& ctx, const float* logits, const float* target,
                        std::int64_t n, std::int64_t classes, float* loss, float* dlogits) {
  const LaunchShape shape = row_launch(n);
  auto* partial = ctx.scratch<double>(shape.grid.x);
  const float inverse_n = 1.0f / static_cast<float>(n);
  with_values_per_lane(classes, [&](auto per_lane) {
    launch(ctx, shape, soft_cross_entropy_kernel<per_lane>, logits, target, n, classes, inverse_n,
           partial, dlogits);
  });
  mean_over_rows(ctx, partial, shape.grid.x, n, loss);
}

}  // namespace bptplr::kernels
