// Functions of the audit's inner loops, without library calls, so that loops over them vectorise.
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace bptplr {

/// Returns exp(x), x <= 700, to a relative error of 1e-15; 0 below x = -708. The method is that of
/// kernels/cpu/fast_exp.hpp, with a Taylor polynomial of degree 13.
inline double fast_exp(double x) {
  constexpr double kLowest = -708.0;
  constexpr double kRound = 6755399441055744.0;  // 1.5 * 2^52
  const double y = x < kLowest ? kLowest : x;
  const double shifted = y * 1.4426950408889634 + kRound;
  const double k = shifted - kRound;
  const double r = (y - k * 0.693147180369123816490) - k * 1.90821492927058770002e-10;
  double p = 1.0 / 6227020800.0;
  p = p * r + 1.0 / 479001600.0;
  p = p * r + 1.0 / 39916800.0;
  p = p * r + 1.0 / 3628800.0;
  p = p * r + 1.0 / 362880.0;
  p = p * r + 1.0 / 40320.0;
  p = p * r + 1.0 / 5040.0;
  p = p * r + 1.0 / 720.0;
  p = p * r + 1.0 / 120.0;
  p = p * r + 1.0 / 24.0;
  p = p * r + 1.0 / 6.0;
  p = p * r + 0.5;
  p = p * r * r + r + 1.0;
  const auto exponent = std::bit_cast<std::int64_t>(shifted) - std::bit_cast<std::int64_t>(kRound);
  const double power = std::bit_cast<double>((exponent + 1023) << 52);
  return x < kLowest ? 0.0 : p * power;
}

/// Returns log(x), x a positive normal number, to an error of 1e-15 of the result or of 1: with
/// x = 2^k m and s = (m - 1) / (m + 1), log m = 2 (s + s^3 / 3 + s^5 / 5 + ...).
inline double fast_log(double x) {
  constexpr std::int64_t kHalf = 0x3fe6a09e667f3bcd;  // of the square root of 1/2
  // Adding 1.5 * 2^52 to a small integer and taking it away again makes it a double without a
  // conversion that older processors have no vector instruction for.
  constexpr double kRound = 6755399441055744.0;
  const std::int64_t bits = std::bit_cast<std::int64_t>(x) - kHalf;
  // Biased, so that the shift need not keep a sign.
  const auto biased = static_cast<std::int64_t>(
      (static_cast<std::uint64_t>(bits) + (std::uint64_t{2048} << 52)) >> 52);
  const std::int64_t exponent = biased - 2048;
  const double k = std::bit_cast<double>(exponent + std::bit_cast<std::int64_t>(kRound)) - kRound;
  const double m = std::bit_cast<double>(std::bit_cast<std::int64_t>(x) - (exponent << 52));
  const double s = (m - 1.0) / (m + 1.0);
  const double t = s * s;
  double p = 1.0 / 21.0;
  p = p * t + 1.0 / 19.0;
  p = p * t + 1.0 / 17.0;
  p = p * t + 1.0 / 15.0;
  p = p * t + 1.0 / 13.0;
  p = p * t + 1.0 / 11.0;
  p = p * t + 1.0 / 9.0;
  p = p * t + 1.0 / 7.0;
  p = p * t + 1.0 / 5.0;
  p = p * t + 1.0 / 3.0;
  return k * 0.69314718055994531 + (2.0 * s + 2.0 * s * t * p);
}

/// Returns the logarithm of the gamma function, 0 < x < 1e37, to an error of 1e-13 of the result
/// or of 1: Stirling's series at x + 8, and the factors between.
inline double fast_log_gamma(double x) {
  const double factors = (x * (x + 1.0)) * ((x + 2.0) * (x + 3.0)) *
                         (((x + 4.0) * (x + 5.0)) * ((x + 6.0) * (x + 7.0)));
  const double y = x + 8.0;
  const double u = 1.0 / y;
  const double v = u * u;
  double series = -691.0 / 360360.0;
  series = series * v + 1.0 / 1188.0;
  series = series * v - 1.0 / 1680.0;
  series = series * v + 1.0 / 1260.0;
  series = series * v - 1.0 / 360.0;
  series = series * v + 1.0 / 12.0;
  constexpr double kHalfLogOfTwoPi = 0.91893853320467274;
  return (y - 0.5) * fast_log(y) - y + kHalfLogOfTwoPi + series * u - fast_log(factors);
}

/// Partial sums that a loop keeps beside each other.
inline constexpr std::size_t kLanes = 8;

/// Returns the least multiple of kLanes that is not below n.
inline constexpr std::size_t padded(std::size_t n) {
  return (n + kLanes - 1) / kLanes * kLanes;
}

/// Returns the sum of the lanes; changes them.
inline double sum_of(std::array<double, kLanes>& lanes) {
  for (std::size_t half = kLanes / 2; half > 0; half /= 2) {
    for (std::size_t lane = 0; lane < half; ++lane) lanes[lane] += lanes[lane + half];
  }
  return lanes[0];
}

/// Returns the sum of fn(k) over [0, n), in an order that depends on n alone and vectorises.
template <class Fn>
double lane_sum(std::size_t n, Fn&& fn) {
  std::array<double, kLanes> lanes{};
  std::size_t k = 0;
  for (; k + kLanes <= n; k += kLanes) {
#pragma omp simd
    for (std::size_t lane = 0; lane < kLanes; ++lane) lanes[lane] += fn(k + lane);
  }
  for (std::size_t lane = 0; k + lane < n; ++lane) lanes[lane] += fn(k + lane);
  return sum_of(lanes);
}

}  // namespace bptplr
