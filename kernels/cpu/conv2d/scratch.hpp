// One reservation of scratch memory, cut into parts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/context.hpp"

namespace bptplr::kernels::conv {

/// Collects the sizes of parts, then reserves all of them. Parts begin at cache lines.
class Scratch {
 public:
  /// `part` points to `count` values from `reserve` on; it must live until then.
  template <class T>
  void add(std::int64_t count, T*& part) {
    parts_.push_back({bytes_, &part, [](void* pointer, std::byte* memory) {
                        *static_cast<T**>(pointer) = reinterpret_cast<T*>(memory);
                      }});
    bytes_ += (static_cast<std::size_t>(count) * sizeof(T) + kLine - 1) / kLine * kLine;
  }
  void reserve(const CpuContext& ctx) {
    auto* memory = static_cast<std::byte*>(ctx.workspace->reserve(bytes_ + kLine));
    for (const Part& part : parts_) part.set(part.pointer, memory + part.offset);
  }

 private:
  static constexpr std::size_t kLine = 64;

  struct Part {
    std::size_t offset;
    void* pointer;
    void (*set)(void* pointer, std::byte* memory);
  };
  std::vector<Part> parts_;
  std::size_t bytes_ = 0;
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

/// Fills the offsets of `rows` rows that lie `stride` floats apart.
inline void fill_offsets(std::int32_t* offsets, std::int64_t rows, std::int64_t stride) {
  for (std::int64_t i = 0; i < rows; ++i) offsets[i] = static_cast<std::int32_t>(i * stride);
}

}  // namespace bptplr::kernels::conv
