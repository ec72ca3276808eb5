// The executor's warp groups against plain loops, for factors where matrix_tile.cuh puts them, and
// mistakes in their use. That the descriptors mean what they are read as here is PTX's table.
#include <cuda_runtime.h>

#include "kernels/cuda/conv2d/hopper/warp_group_tile.cuh"
#include "tests/cuda/support.hpp"
#include "tests/simt/schedules.hpp"

namespace bptplr {
namespace {

using kernels::bfloat16;
using kernels::launch;
using kernels::Runs;

constexpr int kRows = 128, kDepth = kernels::kDepth, kThreads = 256;

// Small integers: every sum is exact.
__host__ __device__ float a_at(int row, int depth) {
  return static_cast<float>((3 * row + 5 * depth + row * depth) % 17 - 8);
}
__host__ __device__ float b_at(int depth, int column) {
  return static_cast<float>((7 * depth + 2 * column + depth * column) % 13 - 6);
}

/// Where matrix_tile.cuh has a value of an operand, in bfloat16.
template <Runs kRuns>
__device__ bfloat16* place(unsigned char* operand, int row, int depth) {
  const int panel = kRuns == Runs::kAlongDepth ? 0 : row / 64;
  const int line = kRuns == Runs::kAlongDepth ? row : depth;
  const int value = kRuns == Runs::kAlongDepth ? depth : row % 64;
  unsigned char* piece = operand + panel * kDepth * kernels::kRowBytes +
                         kernels::piece_offset(line, value / kernels::kPieceValues);
  return reinterpret_cast<bfloat16*>(piece) + value % kernels::kPieceValues;
}

enum class Mistake { kNone, kNoWait, kReadFromAcross };

/// out [rows, columns] = a b by two warp groups, each sum from the register that the PTX manual
/// names ("Register fragments for wgmma.mma_async.m64nNk16", D).
template <int kColumns, Runs kRunsA, Runs kRunsB, Mistake kMistake = Mistake::kNone>
__global__ void product(float* out) {
  unsigned char* a = kernels::swizzled_shared();
  unsigned char* b = a + kRows * kernels::kRowBytes;
  const int t = static_cast<int>(threadIdx.x);
  for (int i = t; i < kRows * kDepth; i += kThreads) {
    *place<kRunsA>(a, i / kDepth, i % kDepth) = bfloat16(a_at(i / kDepth, i % kDepth));
  }
  for (int i = t; i < kColumns * kDepth; i += kThreads) {
    *place<kRunsB>(b, i / kDepth, i % kDepth) = bfloat16(b_at(i % kDepth, i / kDepth));
  }
  kernels::fence_copies();
  __syncthreads();
  float c[kColumns / 8][4] = {};
  kernels::fence_sums(c);
  constexpr bool kAcrossA =
      (kRunsA == Runs::kAcrossDepth) != (kMistake == Mistake::kReadFromAcross);
  for (int depth = 0; depth < kDepth; depth += 16) {
    kernels::multiply_group<kAcrossA, kRunsB == Runs::kAcrossDepth>(
        c, kernels::describe<kRunsA>(a, t / 128 * 64, depth),
        kernels::describe<kRunsB>(b, 0, depth));
  }
  kernels::commit_products();
  if (kMistake != Mistake::kNoWait) kernels::wait_products(c);
  const int row = t / 32 * 16 + t % 32 / 4, column = t % 4 * 2;
  for (int j = 0; j < kColumns / 8; ++j) {
    for (int i = 0; i < 4; ++i) {
      out[(row + i / 2 * 8) * kColumns + j * 8 + column + i % 2] = c[j][i];
    }
  }
}

template <int kColumns, Runs kRunsA, Runs kRunsB, Mistake kMistake = Mistake::kNone>
std::vector<float> computed() {
  DeviceArray<float> out(kRows * kColumns);
  launch(
      cuda_test_context(),
      {dim3(1), dim3(kThreads), static_cast<std::size_t>((kRows + kColumns) * kernels::kRowBytes)},
      product<kColumns, kRunsA, kRunsB, kMistake>, out.get());
  return out.to_host();
}

template <int kColumns>
std::vector<float> expected() {
  std::vector<float> out(static_cast<std::size_t>(kRows * kColumns));
  for (int row = 0; row < kRows; ++row) {
    for (int column = 0; column < kColumns; ++column) {
      float& sum = out[static_cast<std::size_t>(row * kColumns + column)];
      for (int depth = 0; depth < kDepth; ++depth) sum += a_at(row, depth) * b_at(depth, column);
    }
  }
  return out;
}

template <int kColumns>
void expect_products_of_all_layouts() {
  const std::vector<float> right = expected<kColumns>();
  EXPECT_EQ((computed<kColumns, Runs::kAlongDepth, Runs::kAlongDepth>()), right);
  EXPECT_EQ((computed<kColumns, Runs::kAlongDepth, Runs::kAcrossDepth>()), right);
  EXPECT_EQ((computed<kColumns, Runs::kAcrossDepth, Runs::kAlongDepth>()), right);
  EXPECT_EQ((computed<kColumns, Runs::kAcrossDepth, Runs::kAcrossDepth>()), right);
}

TEST(WarpGroup, MultipliesWhatMatrixTilesStore) {
  expect_products_of_all_layouts<64>();
  expect_products_of_all_layouts<128>();
}

TEST(WarpGroup, DescribesFactorsInTheBitsOfTheManual) {
  // 0x1240 begins, panels are 0x2000 apart, groups of eight rows 0x400; swizzle 1 is 128 bytes.
  EXPECT_EQ(kernels::describe_factor(0x1240, 0x2000, 0x400), 0x4000004002000124ull);
}

TEST(WarpGroup, SumsThatAreNotWaitedForAreWrong) {
  simt::set_schedule(simt::Schedule::kAscending);
  EXPECT_NE((computed<64, Runs::kAlongDepth, Runs::kAlongDepth, Mistake::kNoWait>()),
            expected<64>());
}

TEST(WarpGroup, AFactorTakenForTheOtherLayoutIsWrong) {
  EXPECT_NE((computed<64, Runs::kAlongDepth, Runs::kAlongDepth, Mistake::kReadFromAcross>()),
            expected<64>());
}

/// The tensor cores read 16 bytes a thread that were copied, with and without the fence.
template <bool kFence>
__global__ void multiply_copies(const int* values) {
  unsigned char* shared = kernels::swizzled_shared();
  for (int i = 0; i < 8; ++i) {
    kernels::copy_async(shared + (static_cast<int>(threadIdx.x) + 128 * i) * 16, values, true);
  }
  kernels::commit_async();
  kernels::wait_async<0>();
  if (kFence) kernels::fence_copies();
  __syncthreads();
  float c[8][4] = {};
  const auto factor = kernels::describe<Runs::kAlongDepth>(shared, 0, 0);
  kernels::multiply_group<false, false>(c, factor, factor);
  kernels::commit_products();
  kernels::wait_products(c);
}

TEST(WarpGroup, ReportsCopiesWithoutAFence) {
  DeviceArray<int> values(std::vector<int>(4, 0));
  const kernels::LaunchShape shape{dim3(1), dim3(128), 16384};
  EXPECT_NO_THROW(launch(cuda_test_context(), shape, multiply_copies<true>, values.get()));
  EXPECT_THROW(launch(cuda_test_context(), shape, multiply_copies<false>, values.get()),
               simt::Error);
}

}  // namespace
}  // namespace bptplr
