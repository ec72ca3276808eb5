// Rows of logits, one to a warp: what softmax, losses, targets and sample losses share.
//
// Lane l has the columns l, l + 32, ... of its warp's row, so that the lanes read neighbours and
// any number of classes works (10 logits are no whole 16-byte vectors). Up to 1,024 classes the
// lane keeps its columns in registers: memory is read once, with all of the row's loads in flight.
// A longer row is read again from the cache each time it is passed over.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "kernels/cuda/device/block.cuh"
#include "kernels/cuda/runtime/launch.hpp"

namespace bptplr::kernels {

inline constexpr int kRowThreads = 128;
inline constexpr int kRowsPerBlock = kRowThreads / kWarp;
inline constexpr float kInfinity = std::numeric_limits<float>::infinity();

inline LaunchShape row_launch(std::int64_t rows) {
  return {dim3(static_cast<unsigned>(div_up(rows, kRowsPerBlock))), dim3(kRowThreads)};
}

__device__ __forceinline__ int warp_lane() {
  return static_cast<int>(threadIdx.x) % kWarp;
}

/// The row of the running warp under row_launch().
__device__ __forceinline__ std::int64_t warp_row() {
  return static_cast<std::int64_t>(blockIdx.x) * kRowsPerBlock + threadIdx.x / kWarp;
}

/// A lane's columns of a row, kept in registers.
template <int kPerLane>
class RegisterRow {
 public:
  template <class Fn>
  __device__ RegisterRow(int classes, Fn value) : classes_(classes) {
#pragma unroll
    for (int k = 0; k < kPerLane; ++k) values_[k] = column(k) < classes ? value(column(k)) : 0.0f;
  }
  /// use(c, value) for every column c of the lane.
  template <class Fn>
  __device__ void each(Fn use) const {
#pragma unroll
    for (int k = 0; k < kPerLane; ++k) {
      if (column(k) < classes_) use(column(k), values_[k]);
    }
  }
  /// The row of fn(value).
  template <class Fn>
  __device__ RegisterRow map(Fn fn) const {
    RegisterRow mapped = *this;
#pragma unroll
    for (int k = 0; k < kPerLane; ++k) {
      if (column(k) < classes_) mapped.values_[k] = fn(values_[k]);
    }
    return mapped;
  }

 private:
  __device__ static int column(int k) {
    return k * kWarp + warp_lane();
  }

  int classes_;
  float values_[kPerLane];
};

/// A lane's columns of a row too long for registers, computed anew each time.
template <class Value>
class LazyRow {
 public:
  __device__ LazyRow(int classes, Value value) : classes_(classes), value_(value) {}

  template <class Fn>
  __device__ void each(Fn use) const {
    for (int c = warp_lane(); c < classes_; c += kWarp) use(c, value_(c));
  }
  template <class Fn>
  __device__ auto map(Fn fn) const {
    const auto mapped = [value = value_, fn](int c) { return fn(value(c)); };
    return LazyRow<decltype(mapped)>(classes_, mapped);
  }

 private:
  int classes_;
  Value value_;
};

/// The row of value(c), c in [0, classes), in kPerLane registers a lane; 0: in none.
template <int kPerLane, class Fn>
__device__ auto lane_row(int classes, Fn value) {
  if constexpr (kPerLane > 0) {
    return RegisterRow<kPerLane>(classes, value);
  } else {
    return LazyRow<Fn>(classes, value);
  }
}
template <int kPerLane>
__device__ auto lane_row(int classes, const float* row) {
  return lane_row<kPerLane>(classes, [row](int c) { return row[c]; });
}

/// Calls fn with the kPerLane for rows of `classes` values, as a compile-time constant.
template <class Fn>
void with_values_per_lane(std::int64_t classes, Fn&& fn) {
  if (classes <= kWarp) {
    fn(std::integral_constant<int, 1>{});
  } else if (classes <= 4 * kWarp) {
    fn(std::integral_constant<int, 4>{});
  } else if (classes <= 32 * kWarp) {
    fn(std::integral_constant<int, 32>{});
  } else {
    fn(std::integral_constant<int, 0>{});
  }
}

/// The largest value of the row, in every lane.
template <class Row>
__device__ float row_max(const Row& row) {
  float largest = -kInfinity;
  row.each([&](int, float value) { largest = fmaxf(largest, value); });
  return warp_max(largest);
}

/// The sum of term(c, value) over the row, in every lane.
template <class Sum, class Row, class Fn>
__device__ Sum row_sum(const Row& row, Fn term) {
  Sum sum = 0;
  row.each([&](int c, float value) { sum += term(c, value); });
  return warp_sum(sum);
}

/// What turns a logit of a row into its probability. The maximum is taken out of the exponents, so
/// that none overflows.
struct Softmax {
  float max;
  float log_sum;      ///< of exp(z - max)
  float inverse_sum;  ///< 1 / sum of exp(z - max)

  template <class Row>
  __device__ explicit Softmax(const Row& logits) : max(row_max(logits)) {
    const float sum = row_sum<float>(logits, [&](int, float z) { return expf(z - max); });
    log_sum = logf(sum);
    inverse_sum = 1.0f / sum;
  }
  __device__ float probability(float z) const { return expf(z - max) * inverse_sum; }
  __device__ float log_probability(float z) const { return (z - max) - log_sum; }
};

}  // namespace bptplr::kernels
