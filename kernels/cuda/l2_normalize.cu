// Rows divided by their length. A warp takes a row: features are 128 values long, so a lane holds
// four of them in one 16-byte vector, and the row is read once and written once.
#include "kernels/cuda/device/block.cuh"
#include "kernels/cuda/runtime/launch.hpp"
#include "kernels/l2_normalize.hpp"

namespace bptplr::kernels {
namespace {

constexpr int kThreads = 128;
constexpr int kRowsPerBlock = kThreads / kWarp;

/// The lane's share of a . b, added over the warp. Sums are double as on the CPU: it costs nothing
/// beside the memory traffic.
template <int kWidth>
__device__ float warp_dot(const float* a, const float* b, std::int64_t dim) {
  double sum = 0.0;
  for (std::int64_t i = (threadIdx.x % kWarp) * kWidth; i < dim; i += kWarp * kWidth) {
    const Vec<float, kWidth> va = load_vec<float, kWidth>(a + i);
    const Vec<float, kWidth> vb = load_vec<float, kWidth>(b + i);
    for (int k = 0; k < kWidth; ++k) sum += static_cast<double>(va.v[k]) * vb.v[k];
  }
  return static_cast<float>(warp_sum(sum));
}

__device__ std::int64_t warp_row() {
  return static_cast<std::int64_t>(blockIdx.x) * kRowsPerBlock + threadIdx.x / kWarp;
}

template <int kWidth>
__global__ void __launch_bounds__(kThreads)
    forward_kernel(const float* x, float* y, float* norm, std::int64_t n, std::int64_t dim) {
  const std::int64_t row = warp_row();
  if (row >= n) return;  // a whole warp leaves at once
  x += row * dim;
  y += row * dim;
  const float length = at_least(sqrtf(warp_dot<kWidth>(x, x, dim)), static_cast<float>(kNormEps));
  for (std::int64_t i = (threadIdx.x % kWarp) * kWidth; i < dim; i += kWarp * kWidth) {
    Vec<float, kWidth> v = load_vec<float, kWidth>(x + i);
    for (int k = 0; k < kWidth; ++k) v.v[k] /= length;
    store_vec(y + i, v);
  }
  if (threadIdx.x % kWarp == 0) norm[row] = length;
}

template <int kWidth>
__global__ void __launch_bounds__(kThreads)
    backward_kernel(const float* y, const float* norm, const float* dy, float* dx, std::int64_t n,
                    std::int64_t dim) {
  const std::int64_t row = warp_row();
  if (row >= n) return;
  y += row * dim;
  dy += row * dim;
  dx += row * dim;
  const float length = norm[row];
  // Below eps the length is a constant: nothing flows through it.
  float along = warp_dot<kWidth>(y, dy, dim);
  if (length <= static_cast<float>(kNormEps)) along = 0.0f;
  for (std::int64_t i = (threadIdx.x % kWarp) * kWidth; i < dim; i += kWarp * kWidth) {
    const Vec<float, kWidth> vy = load_vec<float, kWidth>(y + i);
    Vec<float, kWidth> v = load_vec<float, kWidth>(dy + i);
    for (int k = 0; k < kWidth; ++k) v.v[k] = (v.v[k] - vy.v[k] * along) / length;
    store_vec(dx + i, v);
  }
}

LaunchShape row_launch(std::int64_t n) {
  return {dim3(static_cast<unsigned>(div_up(n, kRowsPerBlock))), dim3(kThreads)};
}

}  // namespace

template <>
void l2_normalize_forward(const CudaContext& ctx, const float* x, float* y, float* norm,
                          std::int64_t n, std::int64_t dim) {
  const bool wide = can_vectorize(x, dim) && can_vectorize(y, dim);
  launch(ctx, row_launch(n), wide ? forward_kernel<4> : forward_kernel<1>, x, y, norm, n, dim);
}

template <>
void l2_normalize_backward(const CudaContext& ctx, const float* y, const float* norm,
                           const float* dy, float* dx, std::int64_t n, std::int64_t dim) {
  const bool wide = can_vectorize(y, dim) && can_vectorize(dy, dim) && can_vectorize(dx, dim);
  launch(ctx, row_launch(n), wide ? backward_kernel<4> : backward_kernel<1>, y, norm, dy, dx, n,
         dim);
}

}  // namespace bptplr::kernels
