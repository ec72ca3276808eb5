// How Winograd's kernels cut the images of a convolution into tiles.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/conv2d.hpp"
#include "kernels/cpu/conv2d/level.hpp"
#include "kernels/cpu/conv2d/packing.hpp"
#include "kernels/cpu/conv2d/padding.hpp"

namespace bptplr::kernels::conv {

/// Tiles of m x m output pixels, in rows; the rows of all images are counted through.
struct Tiling {
  Conv2dShape s;
  const LeafKernels* leaf;
  const WinogradKernels* winograd;
  std::int64_t m;         ///< output pixels of a tile in each direction
  std::int64_t tile;      ///< input pixels: m + 2
  std::int64_t matrices;  ///< (m + 2)^2
  std::int64_t tiles_h;
  std::int64_t tiles_w;
  std::int64_t c;  ///< channels, padded to whole vectors
  std::int64_t k;

  explicit Tiling(const Conv2dShape& shape)
      : s(shape), leaf(&leaf_kernels(shape.c, shape.k)), winograd(&leaf->winograd4) {
    if (shape.h <= 2 && shape.w <= 2) winograd = &leaf->winograd2;
    m = winograd->m;
    tile = m + 2;
    matrices = tile * tile;
    tiles_h = (s.h + m - 1) / m;
    tiles_w = (s.w + m - 1) / m;
    c = padded_columns(s.c, leaf->lanes);
    k = padded_columns(s.k, leaf->lanes);
  }

  std::int64_t rows() const { return s.n * tiles_h; }
  /// Returns whether tiles end where images do.
  bool is_exact() const { return s.h % m == 0 && s.w % m == 0; }
  std::int64_t image_of(std::int64_t row) const { return row / tiles_h; }
  std::int64_t top_of(std::int64_t row) const { return row % tiles_h * m; }
  /// Returns the number, over all images, of a row's first pixel.
  std::int64_t pixel_of(std::int64_t row) const {
    return (image_of(row) * s.h + std::min(top_of(row), s.h)) * s.w;
  }
  /// Padded input of a row of tiles, and its output.
  Extent input_strip() const { return {tile, tiles_w * m + 2, c}; }
  Extent output_strip(std::int64_t channels) const { return {m, tiles_w * m, channels}; }

  TileRow tile_row(const Extent& strip, std::int64_t matrix_stride) const {
    return {tiles_w,        strip.channels, strip.width * strip.channels,
            strip.channels, matrix_stride,  strip.channels};
  }
};

}  // namespace bptplr::kernels::conv
