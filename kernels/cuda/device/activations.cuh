// Activations, float32 or bfloat16 in memory, float32 in registers.
#pragma once

#include "kernels/cuda/device/block.cuh"

namespace bptplr::kernels {

template <class T, int kWidth>
struct Values {
  T v[kWidth];
};
template <int kWidth>
using Floats = Values<float, kWidth>;

/// Values of type T that one access moves when kWidth of them are wanted.
template <class T, int kWidth>
inline constexpr int kAccessWidth = kWidth < kVecWidth<T> ? kWidth : kVecWidth<T>;

/// kWidth neighbours, converted, in accesses of 16 bytes (fewer where they are less). The address
/// is aligned to one access.
template <int kWidth, class R = float, class T>
__device__ __forceinline__ Values<R, kWidth> load_values(const T* address) {
  constexpr int kStep = kAccessWidth<T, kWidth>;
  Values<R, kWidth> values;
#pragma unroll
  for (int i = 0; i < kWidth; i += kStep) {
    const Vec<T, kStep> part = load_vec<T, kStep>(address + i);
#pragma unroll
    for (int k = 0; k < kStep; ++k) values.v[i + k] = static_cast<R>(part.v[k]);
  }
  return values;
}

template <class T, class R, int kWidth>
__device__ __forceinline__ void store_values(T* address, const Values<R, kWidth>& values) {
  constexpr int kStep = kAccessWidth<T, kWidth>;
#pragma unroll
  for (int i = 0; i < kWidth; i += kStep) {
    Vec<T, kStep> part;
#pragma unroll
    for (int k = 0; k < kStep; ++k) part.v[k] = static_cast<T>(values.v[i + k]);
    store_vec(address + i, part);
  }
}

}  // namespace bptplr::kernels
