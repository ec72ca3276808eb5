// exp without a library call, so that a loop over it vectorises.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace bptplr::kernels {

/// exp(x) for float, relative error below 2e-7; 0 below x = -87.3 (also for -infinity), finite
/// values up to x = 88. The method is Cephes expf's: x = k log 2 + r, |r| <= log(2)/2, a polynomial
/// of degree 6 for exp(r), and k put into the exponent.
inline float fast_exp(float x) {
  constexpr float kLowest = -87.33F;
  constexpr float kHighest = 88.0F;
  const float y = x < kLowest ? kLowest : (x > kHighest ? kHighest : x);
  // Adding 1.5 * 2^23 rounds to the nearest integer and leaves it in the low bits.
  constexpr float kRound = 12582912.0F;
  const float shifted = y * 1.44269504F + kRound;
  const float k = shifted - kRound;
  const float r = (y - k * 0.693359375F) - k * -2.12194440e-4F;
  float p = 1.9875691500e-4F;
  p = p * r + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  p = p * r * r + r + 1.0F;
  const auto exponent = std::bit_cast<std::int32_t>(shifted) - std::bit_cast<std::int32_t>(kRound);
  const float power = std::bit_cast<float>((exponent + 127) << 23);
  return x < kLowest ? 0.0F : p * power;
}

inline double fast_exp(double x) {
  return std::exp(x);
}

}  // namespace bptplr::kernels
