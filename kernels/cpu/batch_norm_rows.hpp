// What batch normalisation does to rows [rows, channels] that are in a core's cache.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "kernels/batch_norm.hpp"
#include "kernels/parallel.hpp"

namespace bptplr::kernels {

/// Calls fn(first, width) for blocks of at most kWidest neighbouring channels, of widths that are
/// known to the compiler: sums of a block stay in registers, where an array of any length goes
/// through memory at every row, and few channels wait for it.
template <int kWidest = 64, class Fn>
void for_each_channel_block(std::int64_t channels, Fn&& fn) {
  std::int64_t first = 0;
  const auto blocks_of = [&](auto width) {
    for (; first + width <= channels; first += width) fn(first, width);
  };
  if constexpr (kWidest >= 64) blocks_of(std::integral_constant<int, 64>{});
  if constexpr (kWidest >= 32) blocks_of(std::integral_constant<int, 32>{});
  blocks_of(std::integral_constant<int, 16>{});
  blocks_of(std::integral_constant<int, 8>{});
  blocks_of(std::integral_constant<int, 1>{});
}

/// Computes the mean and the sum of squared deviations of each channel. The rows are in the cache
/// at the second pass, and the deviations lose no digits to a large mean.
template <class T>
void row_moments(const T* x, std::int64_t rows, std::int64_t channels, T* mean, T* m2) {
  const T inverse = T{1} / static_cast<T>(rows);
  for_each_channel_block(channels, [&](std::int64_t block, auto width) {
    T sum[width] = {};
    for (std::int64_t r = 0; r < rows; ++r) {
      const T* xr = x + r * channels + block;
#pragma omp simd
      for (int c = 0; c < width; ++c) sum[c] += xr[c];
    }
    T squares[width] = {};
    for (int c = 0; c < width; ++c) sum[c] *= inverse;
    for (std::int64_t r = 0; r < rows; ++r) {
      const T* xr = x + r * channels + block;
#pragma omp simd
      for (int c = 0; c < width; ++c) {
        const T d = xr[c] - sum[c];
        squares[c] += d * d;
      }
    }
    std::copy_n(sum, width, mean + block);
    std::copy_n(squares, width, m2 + block);
  });
}

/// Number, mean and sum of squared deviations of values, merged by Chan, Golub and LeVeque's
/// update.
struct Moments {
  double count = 0.0;
  double mean = 0.0;
  double m2 = 0.0;

  void merge(double more, double of_mean, double of_m2) {
    if (more == 0.0) return;
    const double delta = of_mean - mean;
    const double sum = count + more;
    mean += delta * more / sum;
    m2 += of_m2 + delta * delta * count * more / sum;
    count = sum;
  }
  double variance() const { return m2 / count; }
};

/// Merges the moments of the `parts` of each group, [groups, parts, 2, channels], in double
/// precision and the order of the parts. rows(part) is how many
/// rows a part had, parts being counted over all groups.
template <class T, class Rows>
void merge_moments(std::int64_t groups, std::int64_t parts, std::int64_t channels, const T* moments,
                   Rows&& rows, T* mean, T* variance) {
  parallel_for(groups * channels, 64, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t first = i / channels * parts;
      Moments sum;
      for (std::int64_t part = first; part < first + parts; ++part) {
        const T* own = moments + part * 2 * channels + i % channels;
        sum.merge(static_cast<double>(rows(part)), static_cast<double>(own[0]),
                  static_cast<double>(own[channels]));
      }
      mean[i] = static_cast<T>(sum.mean);
      variance[i] = static_cast<T>(sum.variance());
    }
  });
}

/// Returns the value below which a normalised activation is cut off: none without the ReLU.
template <class T>
T relu_floor(bool relu) {
  return relu ? T{0} : -std::numeric_limits<T>::infinity();
}

/// Computes y = (x - mean) * scale + bias, cut off at `floor`. y may be x.
template <class T>
void normalize_rows(const T* x, std::int64_t rows, std::int64_t channels, const T* mean,
                    const T* scale, const T* bias, T floor, T* y) {
  // Blocks so narrow that their parameters stay in registers, too.
  for_each_channel_block<16>(channels, [&](std::int64_t block, auto width) {
    T m[width];
    T a[width];
    T b[width];
    std::copy_n(mean + block, width, m);
    std::copy_n(scale + block, width, a);
    std::copy_n(bias + block, width, b);
    for (std::int64_t r = 0; r < rows; ++r) {
      const T* xr = x + r * channels + block;
      T* yr = y + r * channels + block;
#pragma omp simd
      for (int c = 0; c < width; ++c) {
        // The mean is not folded into a shift: x - mean first loses no digits where it is large.
        const T value = (xr[c] - m[c]) * a[c] + b[c];
        // Written so that NaN passes through: it must reach the loss and be seen.
        yr[c] = value < floor ? floor : value;
      }
    }
  });
}

}  // namespace bptplr::kernels
