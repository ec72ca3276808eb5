// IEEE half precision, as features are stored in files. Storage only; arithmetic happens in
// float32.
#pragma once

#include <bit>
#include <cstdint>

#include "kernels/bfloat16.hpp"

namespace bptplr::kernels {

struct float16 {
  std::uint16_t bits;

  /// Returns the same number. Every half is a float: the exponent is rebased by a multiplication,
  /// which makes normal numbers of subnormal ones; infinities and NaN keep their mantissa.
  BPTPLR_HOST_DEVICE explicit operator float() const {
    const std::uint32_t magnitude = bits & 0x7fffU;
    const float rebased = std::bit_cast<float>(magnitude << 13) * 0x1p112F;
    std::uint32_t word = std::bit_cast<std::uint32_t>(rebased);
    if (magnitude >= 0x7c00U) word = 0x7f800000U | (magnitude & 0x3ffU) << 13;
    return std::bit_cast<float>(word | (bits & 0x8000U) << 16);
  }
};
static_assert(sizeof(float16) == 2);

/// Largest finite half.
inline constexpr float kLargestFloat16 = 65504.0F;

/// Returns the nearest half, of two the even one; infinity from 65520 on.
BPTPLR_HOST_DEVICE inline float16 to_float16(float value) {
  const std::uint32_t word = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t magnitude = word & 0x7fffffffU;
  std::uint32_t half = 0x7e00U;  // NaN
  if (magnitude < 0x38800000U) {
    // Below 2^-14 halves are multiples of 2^-24, to which the sum with 0.5 rounds.
    half = std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) + 0.5F) - 0x3f000000U;
  } else if (magnitude < 0x477ff000U) {
    half = (magnitude - 0x38000000U + 0xfffU + (magnitude >> 13 & 1U)) >> 13;
  } else if (magnitude <= 0x7f800000U) {
    half = 0x7c00U;
  }
  return {static_cast<std::uint16_t>(half | (word >> 16 & 0x8000U))};
}

}  // namespace bptplr::kernels
