// The executor's tensor-core instructions against the tables of the PTX manual ("Matrix Fragments
// for mma.m16n8k16", "ldmatrix"), and mistakes in the use of asynchronous copies.
#include "kernels/cuda/device/tensor_core.cuh"

#include <cuda_runtime.h>

#include <numeric>

#include "tests/cuda/support.hpp"
#include "tests/simt/schedules.hpp"

namespace bptplr {
namespace {

using kernels::bfloat16;
using kernels::dynamic_shared;
using kernels::launch;

constexpr int kRows = 16, kColumns = 8, kInner = 16;

// Small integers: every sum is exact, and no two rows or columns are alike.
float a_at(int row, int k) {
  return static_cast<float>((3 * row + 5 * k) % 17 - 8);
}
float b_at(int k, int column) {
  return static_cast<float>((7 * k + 2 * column) % 13 - 6);
}

unsigned pair(float low, float high) {
  return bfloat16(low).bits | static_cast<unsigned>(bfloat16(high).bits) << 16;
}

/// c = 1000 + a b, a lane's four values at its place in `out`.
__global__ void product(const unsigned* a, const unsigned* b, float* out) {
  unsigned own_a[4];
  for (unsigned r = 0; r < 4; ++r) own_a[r] = a[threadIdx.x * 4 + r];
  float c[4] = {1000.0F, 1000.0F, 1000.0F, 1000.0F};
  kernels::mma(c, own_a, b[threadIdx.x * 2], b[threadIdx.x * 2 + 1]);
  for (unsigned v = 0; v < 4; ++v) out[threadIdx.x * 4 + v] = c[v];
}

TEST(TensorCore, MultipliesFragmentsAsTheManualLaysThemOut) {
  std::vector<unsigned> a, b;
  for (int lane = 0; lane < 32; ++lane) {
    const int group = lane >> 2, in_group = lane % 4;
    for (int i = 0; i < 8; i += 2) {  // the manual numbers values, two a register
      const int row = (i < 2 || (i >= 4 && i < 6)) ? group : group + 8;
      const int k = in_group * 2 + (i >= 4 ? 8 : 0);
      a.push_back(pair(a_at(row, k), a_at(row, k + 1)));
    }
    for (int i = 0; i < 4; i += 2) {
      const int k = in_group * 2 + (i >= 2 ? 8 : 0);
      b.push_back(pair(b_at(k, group), b_at(k + 1, group)));
    }
  }
  DeviceArray<unsigned> device_a(a), device_b(b);
  const auto results = on_device([&] {
    DeviceArray<float> out(128);
    launch(cuda_test_context(), {dim3(1), dim3(32)}, product, device_a.get(), device_b.get(),
           out.get());
    return std::vector{out.to_tensor({32, 4})};
  });
  for (int lane = 0; lane < 32; ++lane) {
    for (int i = 0; i < 4; ++i) {
      const int row = i < 2 ? lane >> 2 : (lane >> 2) + 8;
      const int column = lane % 4 * 2 + (i & 1);
      float expected = 1000.0F;
      for (int k = 0; k < kInner; ++k) expected += a_at(row, k) * b_at(k, column);
      ASSERT_LT(row, kRows);
      ASSERT_LT(column, kColumns);
      EXPECT_EQ(results[0].data<float>()[lane * 4 + i], expected) << "lane " << lane << ", " << i;
    }
  }
}

/// Four matrices whose rows lie in shared memory in descending order; value = 64 matrix + 8 row +
/// column.
template <bool kTransposed>
__global__ void load_from_shared(unsigned* out) {
  auto* shared = dynamic_shared<std::uint16_t>();
  for (unsigned i = threadIdx.x; i < 256; i += 32) {
    shared[(31 - i / 8) * 8 + i % 8] = static_cast<std::uint16_t>(i);
  }
  __syncthreads();
  unsigned m[4];
  kernels::load_matrices<kTransposed>(m, shared + (31 - threadIdx.x) * 8);
  for (unsigned r = 0; r < 4; ++r) out[threadIdx.x * 4 + r] = m[r];
}

template <bool kTransposed>
std::vector<unsigned> loaded() {
  DeviceArray<unsigned> out(128);
  launch(cuda_test_context(), {dim3(1), dim3(32), 512}, load_from_shared<kTransposed>, out.get());
  return out.to_host();
}

TEST(TensorCore, LoadsMatricesAsTheManualLaysThemOut) {
  const std::vector<unsigned> straight = loaded<false>(), transposed = loaded<true>();
  for (unsigned lane = 0; lane < 32; ++lane) {
    for (unsigned matrix = 0; matrix < 4; ++matrix) {
      const unsigned i = lane * 4 + matrix, line = lane / 4, first = lane % 4 * 2;
      const unsigned row_wise = 64 * matrix + 8 * line + first;
      const unsigned column_wise = 64 * matrix + 8 * first + line;
      EXPECT_EQ(straight[i], row_wise | (row_wise + 1) << 16);
      EXPECT_EQ(transposed[i], column_wise | (column_wise + 8) << 16);
    }
  }
}

__global__ void load_a_column(unsigned* out) {
  const auto* shared = dynamic_shared<unsigned char>();
  unsigned m[4];
  kernels::load_matrices<false>(m, shared + 128 * threadIdx.x);
  out[threadIdx.x] = m[0];
}

TEST(TensorCore, CountsMatricesWhoseRowsLieInTheSameBanks) {
  const std::uint64_t before = simt::bank_conflicts();
  loaded<false>();
  EXPECT_EQ(simt::bank_conflicts(), before);
  DeviceArray<unsigned> out(32);
  launch(cuda_test_context(), {dim3(1), dim3(32), 32 * 128}, load_a_column, out.get());
  EXPECT_EQ(simt::bank_conflicts(), before + 4);
}

__global__ void load_from_odd_address() {
  unsigned m[4];
  kernels::load_matrices<false>(m, dynamic_shared<unsigned char>() + 8);
}

TEST(TensorCore, ReportsARowThatIsNotAligned) {
  EXPECT_THROW(launch(cuda_test_context(), {dim3(1), dim3(32), 64}, load_from_odd_address),
               simt::Error);
}

// --- Asynchronous copies: 16 bytes a thread, two groups -----------------------------------------

enum class Mistake {
  kNone,
  kNoWait,
  kWaitForTheFirst,  // of two groups
  kNoCommit,         // of the second group
  kNoBarrier,
  kFilledTooEarly,  // the place of the first group, before others have read it
};

/// out[t] = the first of the values that thread t's neighbour copied from both halves, added.
template <Mistake kMistake>
__global__ void add_halves(const int* values, int* out) {
  int* shared = dynamic_shared<int>();
  const unsigned t = threadIdx.x, n = blockDim.x;
  kernels::copy_async(shared + 4 * t, values + 4 * t, true);
  kernels::commit_async();
  if (kMistake == Mistake::kFilledTooEarly) {
    kernels::wait_async<0>();
    __syncthreads();
  }
  const unsigned half = kMistake == Mistake::kFilledTooEarly ? 0 : 4 * n;
  const unsigned neighbour = 4 * ((t + 1) % n);
  int sum = kMistake == Mistake::kFilledTooEarly ? shared[neighbour] : 0;
  kernels::copy_async(shared + half + 4 * t, values + 4 * n + 4 * t, true);
  if (kMistake != Mistake::kNoCommit) kernels::commit_async();
  if (kMistake == Mistake::kWaitForTheFirst) {
    kernels::wait_async<1>();
  } else if (kMistake != Mistake::kNoWait) {
    kernels::wait_async<0>();
  }
  if (kMistake != Mistake::kNoBarrier) __syncthreads();
  if (kMistake != Mistake::kFilledTooEarly) sum = shared[neighbour];
  out[t] = sum + shared[half + neighbour];
}

constexpr int kThreads = 64;

template <Mistake kMistake>
bool is_shown() {
  std::vector<int> values(8 * kThreads), right(kThreads);
  std::iota(values.begin(), values.end(), 1);
  for (std::size_t t = 0; t < kThreads; ++t) {
    const std::size_t neighbour = 4 * ((t + 1) % kThreads);
    right[t] = values[neighbour] + values[4 * kThreads + neighbour];
  }
  return some_schedule_shows(right, [&] {
    DeviceArray<int> device_values(values), out(kThreads);
    launch(cuda_test_context(), {dim3(1), dim3(kThreads), 32 * kThreads}, add_halves<kMistake>,
           device_values.get(), out.get());
    return out.to_host();
  });
}

TEST(AsyncCopy, ArrivesWhereItIsWaitedFor) {
  EXPECT_FALSE(is_shown<Mistake::kNone>());
}

TEST(AsyncCopy, ShowsWhatIsForgotten) {
  EXPECT_TRUE(is_shown<Mistake::kNoWait>());
  EXPECT_TRUE(is_shown<Mistake::kWaitForTheFirst>());
  EXPECT_TRUE(is_shown<Mistake::kNoCommit>());
  EXPECT_TRUE(is_shown<Mistake::kNoBarrier>());
  EXPECT_TRUE(is_shown<Mistake::kFilledTooEarly>());
}

__global__ void copy_or_zero(const int* values, int* out) {
  int* shared = dynamic_shared<int>();
  kernels::copy_async(shared + 4 * threadIdx.x, values + 4 * threadIdx.x, threadIdx.x % 2 == 0);
  kernels::commit_async();
  kernels::wait_async<0>();
  for (unsigned i = 0; i < 4; ++i) out[4 * threadIdx.x + i] = shared[4 * threadIdx.x + i];
}

TEST(AsyncCopy, WritesZerosInsteadOfReadingWhatIsNotValid) {
  // Only the first half of the values exists: an odd thread must not read.
  DeviceArray<int> values(std::vector<int>{1, 2, 3, 4}), out(8);
  launch(cuda_test_context(), {dim3(1), dim3(2), 32}, copy_or_zero, values.get(), out.get());
  EXPECT_EQ(out.to_host(), (std::vector<int>{1, 2, 3, 4, 0, 0, 0, 0}));
}

}  // namespace
}  // namespace bptplr
