// The executor must run right kernels right, and must notice wrong ones.
#include <cuda_runtime.h>

#include <numeric>
#include <thread>

#include "kernels/cuda/device/block.cuh"
#include "tests/cuda/support.hpp"
#include "tests/simt/schedules.hpp"

namespace bptplr {
namespace {

using kernels::dynamic_shared;
using kernels::launch;

/// out[block] = sum of the block's values, by a tree in shared memory.
__global__ void tree_sum(const int* values, int* out) {
  int* shared = dynamic_shared<int>();
  shared[threadIdx.x] = values[blockIdx.x * blockDim.x + threadIdx.x];
  __syncthreads();
  for (unsigned half = blockDim.x / 2; half > 0; half /= 2) {
    if (threadIdx.x < half) shared[threadIdx.x] += shared[threadIdx.x + half];
    __syncthreads();
  }
  if (threadIdx.x == 0) out[blockIdx.x] = shared[0];
}

/// The same with the first barrier forgotten.
__global__ void tree_sum_without_barrier(const int* values, int* out) {
  int* shared = dynamic_shared<int>();
  shared[threadIdx.x] = values[blockIdx.x * blockDim.x + threadIdx.x];
  for (unsigned half = blockDim.x / 2; half > 0; half /= 2) {
    if (threadIdx.x < half) shared[threadIdx.x] += shared[threadIdx.x + half];
    __syncthreads();
  }
  if (threadIdx.x == 0) out[blockIdx.x] = shared[0];
}

/// out[t] = values[t % 32], by way of the first warp. The barrier before the last line is
/// forgotten; that all threads take part in shuffles before it must not hide that.
__global__ void spread_without_barrier(const int* values, int* out) {
  int* shared = dynamic_shared<int>();
  if (threadIdx.x < 32) shared[threadIdx.x] = values[threadIdx.x];
  const int zero = kernels::warp_sum(0);
  out[threadIdx.x] = shared[threadIdx.x % 32] + zero;
}

/// out[t] = the sum over two rounds and all warps of round * warp. The barrier that protects
/// the readers of a round from the next one is forgotten.
__global__ void rounds_without_barrier(int* out) {
  int* shared = dynamic_shared<int>();
  int sum = 0;
  for (int round = 1; round <= 2; ++round) {
    const int warp = kernels::warp_max(static_cast<int>(threadIdx.x / 32));
    if (threadIdx.x % 32 == 0) shared[warp] = round * warp;
    __syncthreads();
    for (unsigned w = 0; w < blockDim.x / 32; ++w) sum += shared[w];
  }
  out[threadIdx.x] = sum;
}

__global__ void warp_operations(int* out) {
  const int lane = static_cast<int>(threadIdx.x % 32);
  int* row = out + threadIdx.x * 6;
  row[0] = __shfl_xor_sync(0xffffffffu, lane, 5);
  row[1] = __shfl_down_sync(0xffffffffu, lane, 3);
  row[2] = __shfl_up_sync(0xffffffffu, lane, 2, 8);
  row[3] = __shfl_sync(0xffffffffu, lane, 1, 4);
  row[4] = __popc(__ballot_sync(0xffffffffu, lane % 3 == 0));
  row[5] = __syncthreads_count(lane == 0);
}

__global__ void barrier_for_some() {
  if (threadIdx.x < 16) __syncthreads();
}

__global__ void two_barriers() {
  if (threadIdx.x < 16) {
    __syncthreads();
  } else {
    __syncthreads();
  }
}

__global__ void shuffle_without_all_lanes(int* out) {
  if (threadIdx.x < 31) out[threadIdx.x] = __shfl_xor_sync(0xffffffffu, 1, 1);
}

__global__ void write_at(int* out, int offset) {
  out[offset] = 1;
}

std::vector<int> counted(int n) {
  std::vector<int> values(static_cast<std::size_t>(n));
  std::iota(values.begin(), values.end(), 1);
  return values;
}

std::vector<int> block_sums(void (*kernel)(const int*, int*)) {
  DeviceArray<int> values(counted(96)), out(3);
  launch(cuda_test_context(), {dim3(3), dim3(32), 32 * sizeof(int)}, kernel, values.get(),
         out.get());
  return out.to_host();
}

TEST(Executor, RunsABlockReduction) {
  for (const auto schedule :
       {simt::Schedule::kAscending, simt::Schedule::kDescending, simt::Schedule::kShuffled}) {
    simt::set_schedule(schedule);
    EXPECT_EQ(block_sums(tree_sum), (std::vector<int>{528, 1552, 2576}));
  }
  simt::set_schedule(simt::Schedule::kAscending);
}

TEST(Executor, GivesWarpOperationsTheirCudaMeaning) {
  DeviceArray<int> out(64 * 6);
  launch(cuda_test_context(), {dim3(1), dim3(64)}, warp_operations, out.get());
  const std::vector<int> values = out.to_host();
  for (int t = 0; t < 64; ++t) {
    const int lane = t % 32;
    const int* row = values.data() + t * 6;
    EXPECT_EQ(row[0], lane ^ 5);
    EXPECT_EQ(row[1], lane + 3 < 32 ? lane + 3 : lane);
    EXPECT_EQ(row[2], lane % 8 >= 2 ? lane - 2 : lane);
    EXPECT_EQ(row[3], lane / 4 * 4 + 1);
    EXPECT_EQ(row[4], 11);
    EXPECT_EQ(row[5], 2);
  }
}

TEST(Executor, ShowsAMissingBarrier) {
  simt::set_schedule(simt::Schedule::kAscending);
  EXPECT_NE(block_sums(tree_sum_without_barrier), (std::vector<int>{528, 1552, 2576}));
}

TEST(Executor, ShowsAMissingBarrierBehindWarpOperations) {
  std::vector<int> right = counted(32);
  for (int t = 0; t < 32; ++t) right.push_back(t + 1);
  EXPECT_TRUE(some_schedule_shows(right, [] {
    DeviceArray<int> values(counted(32)), out(64);
    launch(cuda_test_context(), {dim3(1), dim3(64), 32 * sizeof(int)}, spread_without_barrier,
           values.get(), out.get());
    return out.to_host();
  }));
}

TEST(Executor, ShowsAMissingBarrierBeforeTheNextRound) {
  EXPECT_TRUE(some_schedule_shows(std::vector<int>(128, 3 * (1 + 2 + 3)), [] {
    DeviceArray<int> out(128);
    launch(cuda_test_context(), {dim3(1), dim3(128), 4 * sizeof(int)}, rounds_without_barrier,
           out.get());
    return out.to_host();
  }));
}

void expect_error(const std::string& part, const std::function<void()>& run) {
  try {
    run();
    FAIL() << "no error, expected: " << part;
  } catch (const simt::Error& error) {
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

TEST(Executor, ReportsABarrierThatNotAllReach) {
  expect_error("diverged barrier: 16 of 32 threads wait", [] {
    launch(cuda_test_context(), {dim3(1), dim3(32)}, barrier_for_some);
  });
}

TEST(Executor, ReportsThreadsAtDifferentBarriers) {
  expect_error("diverged barrier: threads of one block wait at executor_test.cpp:", [] {
    launch(cuda_test_context(), {dim3(1), dim3(32)}, two_barriers);
  });
}

TEST(Executor, ReportsAShuffleWithoutAllItsLanes) {
  DeviceArray<int> out(32);
  expect_error("diverged warp: 31 of 32 threads wait", [&] {
    launch(cuda_test_context(), {dim3(1), dim3(32)}, shuffle_without_all_lanes, out.get());
  });
}

TEST(Executor, RunsOnAfterAnError) {
  expect_error("diverged", [] {
    launch(cuda_test_context(), {dim3(2), dim3(64)}, barrier_for_some);
  });
  EXPECT_EQ(block_sums(tree_sum), (std::vector<int>{528, 1552, 2576}));
}

TEST(ExecutorDeathTest, NoticesAWriteOutsideAnAllocation) {
  for (const int offset : {3, -1}) {
#if defined(__SANITIZE_ADDRESS__)
    EXPECT_DEATH(
        {
          DeviceArray<int> out(3);
          launch(cuda_test_context(), {dim3(1), dim3(1)}, write_at, out.get(), offset);
        },
        "AddressSanitizer");
#else
    DeviceArray<int> out(3);
    expect_error("wrote outside an allocation of 12 bytes", [&] {
      launch(cuda_test_context(), {dim3(1), dim3(1)}, write_at, out.get(), offset);
    });
#endif
  }
}

TEST(ExecutorDeathTest, StopsHostCodeThatTouchesDeviceMemory) {
  DeviceArray<int> values(counted(3));
  int* device = values.get();
  EXPECT_DEATH(static_cast<void>(*static_cast<volatile int*>(device)),
               "host code touched device memory");
  EXPECT_DEATH(*static_cast<volatile int*>(device + 2) = 1, "host code touched device memory");
  launch(cuda_test_context(), {dim3(1), dim3(1)}, write_at, device, 1);
  EXPECT_EQ(values.to_host(), (std::vector<int>{1, 1, 3})) << "kernels and copies may";
  EXPECT_DEATH(static_cast<void>(*static_cast<volatile int*>(device)),
               "host code touched device memory")
      << "nor behind a kernel";
}

TEST(Executor, ReportsTwoThreadsAtATime) {
  std::string reported;
  simt::run([&] {
    std::thread([&] {
      try {
        simt::run([] {});
      } catch (const simt::Error& error) {
        reported = error.what();
      }
    }).join();
  });
  EXPECT_EQ(reported, "two threads use the device at the same time");
}

TEST(Executor, ReportsAThreadThatDisturbsARecording) {
  std::string reported;
  simt::begin_recording();
  std::thread([&] {
    try {
      simt::queue([] {});
    } catch (const simt::Error& error) {
      reported = error.what();
    }
  }).join();
  EXPECT_TRUE(simt::end_recording()->empty());
  EXPECT_EQ(reported, "a thread used the device while another recorded a graph");
}

TEST(Executor, RefusesAllocationsAndCopiesOfNothing) {
  void* memory = nullptr;
  EXPECT_EQ(cudaMallocAsync(&memory, 0, nullptr), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpyAsync(nullptr, nullptr, 0, cudaMemcpyDefault, nullptr),
            cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemsetAsync(nullptr, 0, 0, nullptr), cudaErrorInvalidValue);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidValue);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
}

TEST(Executor, RefusesAnImpossibleBlock) {
  expect_error("a block has 1 to 1024 threads", [] {
    launch(cuda_test_context(), {dim3(1), dim3(1025)}, barrier_for_some);
  });
}

}  // namespace
}  // namespace bptplr
