// What kernels share on the device: vectors of 16 bytes, reductions over warps and blocks.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/bfloat16.hpp"

namespace bptplr::kernels {

inline constexpr int kWarp = 32;
inline constexpr unsigned kAllLanes = 0xffffffffu;

/// The block's dynamic shared memory, aligned to 16 bytes.
template <class T>
__device__ __forceinline__ T* dynamic_shared() {
#if defined(BPTPLR_SIMT)
  return static_cast<T*>(simt::dynamic_shared());
#else
  extern __shared__ __align__(16) unsigned char dynamic_shared_bytes[];
  return reinterpret_cast<T*>(dynamic_shared_bytes);
#endif
}

/// N values moved by one load or store. N * sizeof(T) is at most 16, the widest access there is.
template <class T, int N>
struct __align__(N * sizeof(T)) Vec {
  T v[N];
};

/// Values of type T that one 16-byte access moves.
template <class T>
inline constexpr int kVecWidth = 16 / static_cast<int>(sizeof(T));

template <class T, int N>
__device__ __forceinline__ Vec<T, N> load_vec(const T* address) {
  return *reinterpret_cast<const Vec<T, N>*>(address);
}
template <class T, int N>
__device__ __forceinline__ void store_vec(T* address, const Vec<T, N>& values) {
  *reinterpret_cast<Vec<T, N>*>(address) = values;
}

/// Whether an array of rows of `length` values can be read row by row in 16-byte vectors.
template <class T>
bool can_vectorize(const T* base, std::int64_t length) {
  return length % kVecWidth<T> == 0 && reinterpret_cast<std::uintptr_t>(base) % 16 == 0;
}

/// The sum over the lanes of a warp, in every lane, in a fixed order.
template <class T>
__device__ __forceinline__ T warp_sum(T value) {
#pragma unroll
  for (int lanes = kWarp / 2; lanes > 0; lanes /= 2) {
    value += __shfl_xor_sync(kAllLanes, value, lanes);
  }
  return value;
}

/// The larger of both, and NaN where value is NaN, which CUDA's own max would hide.
template <class T>
__device__ __forceinline__ T at_least(T value, T floor) {
  return value < floor ? floor : value;
}

template <class T>
__device__ __forceinline__ T warp_max(T value) {
#pragma unroll
  for (int lanes = kWarp / 2; lanes > 0; lanes /= 2) {
    const T other = __shfl_xor_sync(kAllLanes, value, lanes);
    value = value < other ? other : value;
  }
  return value;
}

/// The sum over a block of kThreads threads (a multiple of 32), in every thread, in a fixed order.
/// All threads must call it; it begins and ends with a barrier where it must.
template <int kThreads, class T>
__device__ __forceinline__ T block_sum(T value) {
  static_assert(kThreads % kWarp == 0 && kThreads <= 1024);
  __shared__ T partial[kThreads / kWarp];
  value = warp_sum(value);
  __syncthreads();  // whoever still reads the partial sums of an earlier call
  if (threadIdx.x % kWarp == 0) partial[threadIdx.x / kWarp] = value;
  __syncthreads();
  T sum = partial[0];
#pragma unroll
  for (int w = 1; w < kThreads / kWarp; ++w) sum += partial[w];
  return sum;
}

inline std::int64_t div_up(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

}  // namespace bptplr::kernels
