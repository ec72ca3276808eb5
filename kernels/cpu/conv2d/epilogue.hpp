// What a convolution does with its result while that is in the cache.
#pragma once

#include <cstdint>
#include <functional>

namespace bptplr::kernels::conv {

/// Work on the parts of a result. Parts are numbered group by group, and none holds pixels of two
/// groups of images.
struct Epilogue {
  std::int64_t groups = 1;
  /// Called once for every part, by any thread, with the part's number, its first pixel and its
  /// pixels, counted over all images.
  std::function<void(std::int64_t, std::int64_t, std::int64_t)> finish{};
  /// Called once before, when scratch memory has been reserved.
  std::function<void()> begin{};
};

}  // namespace bptplr::kernels::conv
