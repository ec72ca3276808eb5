// The last step of a loss that is a mean over rows: the blocks of a launch before have left partial
// sums, which one block adds in a fixed order.
#pragma once

#include "kernels/cuda/device/block.cuh"
#include "kernels/cuda/runtime/launch.hpp"

namespace bptplr::kernels {

inline constexpr int kSumThreads = 256;

/// result [1] = factor * sum of partial [count]; one block.
template <int kThreads>
__global__ void __launch_bounds__(kThreads)
    scaled_sum_kernel(const double* partial, std::int64_t count, double factor, float* result) {
  double sum = 0.0;
  for (std::int64_t i = threadIdx.x; i < count; i += kThreads) sum += partial[i];
  sum = block_sum<kThreads>(sum);
  if (threadIdx.x == 0) *result = static_cast<float>(sum * factor);
}

/// result [1] = the mean over `rows` of what the blocks left in partial [blocks]; 0 without rows.
inline void mean_over_rows(const CudaContext& ctx, const double* partial, std::int64_t blocks,
                           std::int64_t rows, float* result) {
  const double factor = rows == 0 ? 0.0 : 1.0 / static_cast<double>(rows);
  launch(ctx, {dim3(1), dim3(kSumThreads)}, scaled_sum_kernel<kSumThreads>, partial, blocks, factor,
         result);
}

}  // namespace bptplr::kernels
