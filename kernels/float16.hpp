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

}  // namespace bptplr::kernels
