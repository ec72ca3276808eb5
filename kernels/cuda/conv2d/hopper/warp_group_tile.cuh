// A tile of a matrix product by warp groups: what matrix_tile.cuh does, with the same layout of
// shared memory and the same sums of a lane, but by the tensor-core instructions of Hopper.
//
// While a slice is multiplied, the threads queue the copies of a later one; all warp groups have
// then passed the barrier behind the slice before, whose stage is filled. There are no arrival
// counters in memory (mbarrier) that could be waited for in vain: cp.async and one barrier a slice.
#pragma once

#include "kernels/cuda/conv2d/hopper/warp_group.cuh"
#include "kernels/cuda/device/matrix_tile.cuh"

namespace bptplr::kernels {

/// A block computes kRows x kColumns, each warp group 64 x kColumns.
template <int kRows, int kColumns, int kStages, int kBlocksOnSm>
struct WarpGroupTile : MatrixTile<kRows, kColumns, 16, kColumns, kStages, kBlocksOnSm> {
  using Base = MatrixTile<kRows, kColumns, 16, kColumns, kStages, kBlocksOnSm>;
  static_assert(kRows % 64 == 0 && Base::kStageBytes % kSwizzleBytes == 0);

  static __device__ unsigned char* shared() { return swizzled_shared(); }

  template <Runs kRunsA, Runs kRunsB, class Load>
  static __device__ __forceinline__ void multiply(int slices, unsigned char* shared, Load&& load,
                                                  typename Base::Sums& sums);
};

/// Describes the factor of a slice from `row` of a (column of b) and `depth`.
template <Runs kRuns>
__device__ __forceinline__ unsigned long long describe(const unsigned char* operand, int row,
                                                       int depth) {
  constexpr int kPanelBytes = kDepth * kRowBytes;
  const int offset = kRuns == Runs::kAlongDepth
                         ? row * kRowBytes + depth * static_cast<int>(sizeof(bfloat16))
                         : row / kRowValues * kPanelBytes + depth * kRowBytes;
  return describe_factor(shared_address(operand + offset), kPanelBytes, 8 * kRowBytes);
}

/// The product over all slices, see multiply() of matrix_tile.cuh.
template <int kRows, int kColumns, int kStages, int kBlocksOnSm>
template <Runs kRunsA, Runs kRunsB, class Load>
__device__ __forceinline__ void WarpGroupTile<kRows, kColumns, kStages, kBlocksOnSm>::multiply(
    int slices, unsigned char* shared, Load&& load, typename Base::Sums& sums) {
  constexpr bool kAcrossA = kRunsA == Runs::kAcrossDepth, kAcrossB = kRunsB == Runs::kAcrossDepth;
  constexpr int kAhead = kStages - 1;  // slices under way
  set_to_zero<Base>(sums);
  start_loading<Base>(slices, shared, load);
  const int row = Base::warp_row() / 64 * 64;  // of the warp group
  int stage = 0;
  int next = kAhead * Base::kStageBytes;
  for (int s = 0; s < slices; ++s) {
    wait_async<kAhead - 1>();
    fence_copies();
    __syncthreads();
    const unsigned char* a = shared + stage;
    const unsigned char* b = a + kRows * kRowBytes;
    fence_sums(sums[0]);
#pragma unroll
    for (int depth = 0; depth < kDepth; depth += 16) {
      multiply_group<kAcrossA, kAcrossB>(sums[0], describe<kRunsA>(a, row, depth),
                                         describe<kRunsB>(b, 0, depth));
    }
    commit_products();
    if (s + kAhead < slices) load(shared + next);
    commit_async();
    wait_products(sums[0]);
    next = stage;  // it is free after the next barrier
    stage = stage + Base::kStageBytes == Base::kSharedBytes ? 0 : stage + Base::kStageBytes;
  }
  __syncthreads();
}

}  // namespace bptplr::kernels
