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

/// Floats of a row of pixels up to which tiles are read where they are.
constexpr std::int64_t kNearRows = 512;

/// Fills the rows of v, `tile_stride` apart, that a row of tiles of x has in every matrix. `strip`
/// has room for t.input_strip().
inline void input_transform(const Tiling& t, const float* x, std::int64_t row, float* strip,
                            std::int64_t matrix_stride, std::int64_t tile_stride, float* v) {
  const Extent image{t.s.h, t.s.w, t.s.c};
  const Extent all = t.input_strip();
  const std::int64_t top = t.top_of(row) - 1;
  const float* from = x + t.image_of(row) * image.floats();
  TileRow tiles = t.tile_row(all, matrix_stride);
  tiles.tile_stride = tile_stride;
  // Tiles whose input lies within the image are read where they are, the first and last are copied;
  // all are where rows lie so far apart that the six of a tile fall into the same sets of a cache.
  const std::int64_t within = (std::max(t.s.w + 1, t.tile) - t.tile) / t.m;
  if (top < 0 || top + t.tile > t.s.h || t.s.c != t.c || within < 1 || t.s.w * t.s.c > kNearRows) {
    copy_padded(from, image, top, -1, all, strip);
    t.winograd->input(tiles, strip, v);
    return;
  }
  TileRow inner = tiles;
  inner.tiles = within;
  inner.row_stride = t.s.w * t.s.c;
  t.winograd->input(inner, from + (top * t.s.w + t.m - 1) * t.s.c, v + tile_stride);
  const auto copied = [&](std::int64_t first, std::int64_t count) {
    const Extent part{t.tile, count * t.m + 2, t.c};
    copy_padded(from, image, top, first * t.m - 1, part, strip);
    TileRow outer = tiles;
    outer.tiles = count;
    outer.row_stride = part.width * part.channels;
    t.winograd->input(outer, strip, v + first * tile_stride);
  };
  copied(0, 1);
  copied(1 + within, t.tiles_w - 1 - within);
}

}  // namespace bptplr::kernels::conv
