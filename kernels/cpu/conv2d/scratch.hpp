// One reservation of scratch memory, cut into parts.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/context.hpp"

namespace bptplr::kernels::conv {

/// Collects the sizes of parts, then reserves all of them. Parts begin at cache lines.
class Scratch {
 public:
  /// Returns the part's place, for `at`.
  std::size_t add(std::int64_t floats) {
    const std::size_t place = floats_;
    floats_ += (static_cast<std::size_t>(floats) + 15) / 16 * 16;
    return place;
  }
  void reserve(const CpuContext& ctx) {
    base_ = static_cast<float*>(ctx.workspace->reserve((floats_ + 16) * sizeof(float)));
  }
  float* at(std::size_t place) const { return base_ + place; }

 private:
  std::size_t floats_ = 0;
  float* base_ = nullptr;
};

/// Floats between matrices of which vectors at the same place are read together: the odd number of
/// cache lines keeps them from falling into the same few sets of a cache.
inline std::int64_t odd_lines(std::int64_t floats) {
  const std::int64_t lines = (floats + 15) / 16;
  return (lines + (lines % 2 == 0 ? 1 : 0)) * 16;
}

/// Floats between rows of a matrix that products read a few floats of each row of at a time: the
/// same, for rows that are long enough to bear one more line.
inline std::int64_t row_stride(std::int64_t floats) {
  return floats < 64 ? floats : odd_lines(floats);
}

}  // namespace bptplr::kernels::conv
