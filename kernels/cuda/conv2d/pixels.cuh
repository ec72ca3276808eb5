// Pixels of a batch of images by number, in the order in which NHWC stores them.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/cuda/device/block.cuh"

namespace bptplr::kernels {

/// Divides numbers below 2^31 by one that is known before the kernel: a multiplication and a shift
/// (Granlund and Montgomery, "Division by invariant integers using multiplication").
class Divisor {
 public:
  Divisor() = default;
  explicit Divisor(int divisor) : divisor_(divisor) {
    while ((std::int64_t{1} << (shift_ - 31)) < divisor) ++shift_;
    multiplier_ = static_cast<std::uint32_t>(
        (std::uint64_t{1} << shift_) / static_cast<std::uint64_t>(divisor) + 1);
  }

  __device__ int quotient(int value) const {
    return static_cast<int>(static_cast<std::uint64_t>(value) * multiplier_ >> shift_);
  }
  __host__ __device__ int divisor() const { return divisor_; }

 private:
  int divisor_ = 1;
  int shift_ = 31;
  std::uint32_t multiplier_ = 0;
};

/// Whether a coordinate is in 0..size - 1.
__device__ __forceinline__ bool is_below(int at, int size) {
  return static_cast<unsigned>(at) < static_cast<unsigned>(size);
}

/// A size that is known to be small, see tensor_cores_can().
inline int narrow(std::int64_t value) {
  return static_cast<int>(value);
}

struct Pixel {
  int n, h, w;
};

/// n images of h x w pixels.
class PixelGrid {
 public:
  PixelGrid() = default;
  PixelGrid(int n, int h, int w)
      : count_(n * h * w), by_image_(std::max(h * w, 1)), by_row_(std::max(w, 1)) {}

  __host__ __device__ int count() const { return count_; }
  __device__ Pixel at(int index) const {
    const int n = by_image_.quotient(index);
    const int in_image = index - n * by_image_.divisor();
    const int h = by_row_.quotient(in_image);
    return {n, h, in_image - h * by_row_.divisor()};
  }

 private:
  int count_ = 0;
  Divisor by_image_, by_row_;
};

}  // namespace bptplr::kernels
