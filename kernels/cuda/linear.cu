// Fully connected layers: three matrix products by cuBLASLt, the bias added in the first one's
// epilogue. The gradient of the bias is a sum over rows: a block takes 32 columns, so that a warp
// reads 128 consecutive bytes, and its warps take every eighth row.
#include "kernels/cuda/device/block.cuh"
#include "kernels/cuda/libraries/libraries.hpp"
#include "kernels/cuda/runtime/launch.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/linear.hpp"

namespace bptplr::kernels {
namespace {

constexpr int kWarps = 8;

/// db [columns] = sum over the rows of dy [rows, columns].
__global__ void __launch_bounds__(kWarps* kWarp)
    column_sums(std::int64_t rows, std::int64_t columns, const float* dy, float* db) {
  __shared__ float partial[kWarps][kWarp];
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  const std::int64_t column = static_cast<std::int64_t>(blockIdx.x) * kWarp + lane;
  float sum = 0.0F;
  if (column < columns) {
    for (std::int64_t row = warp; row < rows; row += kWarps) sum += dy[row * columns + column];
  }
  partial[warp][lane] = sum;
  __syncthreads();
  if (warp != 0 || column >= columns) return;
  for (int w = 1; w < kWarps; ++w) sum += partial[w][lane];
  db[column] = sum;
}

}  // namespace

template <>
void linear_forward(const CudaContext& ctx, const LinearShape& s, const float* x, const float* w,
                    const float* b, float* y) {
  if (s.n == 0 || s.out == 0) return;
  gemm(ctx, {s.n, s.out, s.in, false, true}, x, w, b, y);
}

template <>
void linear_backward_data(const CudaContext& ctx, const LinearShape& s, const float* dy,
                          const float* w, float* dx) {
  if (s.n == 0 || s.in == 0) return;
  gemm(ctx, {s.n, s.in, s.out, false, false}, dy, w, nullptr, dx);
}

template <>
void linear_backward_weights(const CudaContext& ctx, const LinearShape& s, const float* x,
                             const float* dy, float* dw, float* db) {
  if (s.n == 0) {
    fill(ctx, 0.0F, dw, s.out * s.in);
  } else {
    gemm(ctx, {s.out, s.in, s.n, true, false}, dy, x, nullptr, dw);
  }
  if (db == nullptr) return;
  launch(ctx, {dim3(static_cast<unsigned>(div_up(s.out, kWarp))), dim3(kWarps * kWarp)},
         column_sums, s.n, s.out, dy, db);
}

}  // namespace bptplr::kernels
