// bfloat16: the upper half of a float32. Storage only; arithmetic happens in float32.
#pragma once

#include <bit>
#include <cstdint>
#include <type_traits>

#if defined(__CUDACC__)
#include <cuda_bf16.h>
#define BPTPLR_HOST_DEVICE __host__ __device__
#else
#define BPTPLR_HOST_DEVICE
#endif

namespace bptplr::kernels {

struct bfloat16 {
  std::uint16_t bits;

  bfloat16() = default;
  /// Rounds to the nearest value, ties to even; NaN stays NaN.
  BPTPLR_HOST_DEVICE explicit bfloat16(float value) {
#if defined(__CUDA_ARCH__)
    bits = __bfloat16_as_ushort(__float2bfloat16_rn(value));
#else
    const auto word = std::bit_cast<std::uint32_t>(value);
    const bool nan = (word & 0x7fffffffu) > 0x7f800000u;
    bits = static_cast<std::uint16_t>(nan ? 0x7fffu : (word + 0x7fffu + (word >> 16 & 1u)) >> 16);
#endif
  }
  BPTPLR_HOST_DEVICE explicit operator float() const {
#if defined(__CUDA_ARCH__)
    return __uint_as_float(static_cast<std::uint32_t>(bits) << 16);
#else
    return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
#endif
  }
};

/// Type of statistics, parameters and losses that go with activations of type T.
template <class T>
using StatOf = std::conditional_t<std::is_same_v<T, bfloat16>, float, T>;

}  // namespace bptplr::kernels
