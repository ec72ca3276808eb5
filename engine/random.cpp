#include "engine/random.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

namespace bptplr {

Philox::Philox(std::uint64_t seed, Purpose purpose, std::uint32_t epoch, std::uint32_t sample,
               std::uint32_t draw)
    : stream_{{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)},
              {{0, sample, epoch, static_cast<std::uint32_t>(purpose) | draw << 12}}} {}

std::uint32_t Philox::next() {
  if (used_ == 4) {
    block_ = kernels::philox_block(stream_, 0);
    ++stream_.counter.word[0];
    used_ = 0;
  }
  return block_.word[used_++];
}

void Philox::skip_blocks(std::uint32_t blocks) {
  stream_.counter.word[0] += blocks;
  used_ = 4;
}

float Philox::uniform() {
  return kernels::philox_uniform(next());
}

double Philox::uniform_double() {
  const std::uint64_t high = next() >> 5;
  const std::uint64_t low = next() >> 6;
  return static_cast<double>((high << 26) | low) * 0x1p-53;
}

std::uint32_t Philox::below(std::uint32_t n) {
  // Lemire's multiply-and-reject ("Fast random integer generation in an interval", 2019).
  std::uint64_t product = static_cast<std::uint64_t>(next()) * n;
  auto low = static_cast<std::uint32_t>(product);
  if (low < n) {
    const std::uint32_t threshold = -n % n;
    while (low < threshold) {
      product = static_cast<std::uint64_t>(next()) * n;
      low = static_cast<std::uint32_t>(product);
    }
  }
  return static_cast<std::uint32_t>(product >> 32);
}

double Philox::normal() {
  const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform_double()));
  return radius * std::cos(2.0 * std::numbers::pi * uniform_double());
}

double Philox::gamma(double shape) {
  return draw_gamma(shape).value();
}

Philox::GammaDraw Philox::draw_gamma(double shape) {
  if (shape < 1.0) {
    const double base = 1.0 - uniform_double();
    return {draw_gamma(shape + 1.0).factor, base, shape};
  }
  const double d = shape - 1.0 / 3.0;
  const double c = 1.0 / std::sqrt(9.0 * d);
  for (;;) {
    const double x = normal();
    const double v = std::pow(1.0 + c * x, 3);
    if (v <= 0.0) continue;
    const double u = 1.0 - uniform_double();
    if (std::log(u) < 0.5 * x * x + d - d * v + d * std::log(v)) return {d * v, 1.0, shape};
  }
}

double Philox::GammaDraw::value() const {
  return base == 1.0 ? factor : factor * std::pow(base, 1.0 / shape);
}

double Philox::GammaDraw::scaled_log(double scale) const {
  return scale * std::log(factor) + std::log(base) * (scale / shape);
}

double Philox::beta(double a, double b) {
  const GammaDraw x = draw_gamma(a);
  const GammaDraw y = draw_gamma(b);
  const double sum = x.value() + y.value();
  if (sum > 0.0 && std::isfinite(sum)) return x.value() / sum;
  // Both are too small for a double, or too large: only their logarithms can be compared, and of
  // tiny shapes only these times the shape.
  const double scale = std::min({a, b, 1.0});
  return 1.0 / (1.0 + std::exp((y.scaled_log(scale) - x.scaled_log(scale)) / scale));
}

std::vector<std::int64_t> Philox::permutation(std::int64_t n) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  for (std::size_t i = order.size(); i > 1; --i) {
    std::swap(order[i - 1], order[below(static_cast<std::uint32_t>(i))]);
  }
  return order;
}

}  // namespace bptplr
