// The innermost loops of convolutions, compiled once for each level of the instruction set. Whoever
// cuts a convolution into such loops picks a level by the shape and need not know it.
#pragma once

#include <cstdint>

namespace bptplr::kernels::conv {

/// One product of a matrix whose rows lie anywhere with one that is packed.
///
///   c[c_offset[i] + j] = sum over taps t and d < depth of
///                        a[a_offset[i] + t * tap_stride + d] * b[t * depth + d, j]
///
/// b is packed in panels (packing.hpp). A convolution's taps of one row of its filter are
/// neighbours in memory, so `depth` is their number times the channels. `batch` such products lie
/// *_batch floats apart.
struct RowProduct {
  const float* a;
  const std::int32_t* a_offset;
  std::int64_t rows;
  std::int64_t taps;
  std::int64_t tap_stride;
  std::int64_t depth;
  const float* b;
  std::int64_t columns;
  float* c;
  const std::int32_t* c_offset;
  std::int64_t batch = 1;
  std::int64_t a_batch = 0;
  std::int64_t b_batch = 0;
  std::int64_t c_batch = 0;
};

/// Adds a product over the rows of two matrices, each of which lies anywhere: that of a gradient.
///
///   c[m, j] += sum over i < steps of a[a_offset[i] + m] * b[i * ldb + j]
///
/// c is [m, ldc]; rows of b and c are readable up to the next multiple of `lanes` columns.
struct ColumnProduct {
  const float* a;
  const std::int32_t* a_offset;
  std::int64_t m;
  const float* b;
  std::int64_t ldb;
  std::int64_t steps;
  float* c;
  std::int64_t ldc;
  std::int64_t columns;
};

/// One row of tiles for Winograd's transforms, between a strip of pixels and (m + 2)^2 matrices
/// with a row for each tile. All strides are in floats.
struct TileRow {
  std::int64_t tiles;
  std::int64_t channels;  ///< a multiple of `lanes`
  std::int64_t row_stride;
  std::int64_t pixel_stride;
  std::int64_t matrix_stride;
  std::int64_t tile_stride;  ///< between rows of a matrix
};

struct WinogradKernels {
  std::int64_t m;  ///< output pixels of a tile in each direction
  /// B^T d B of every tile: strip to matrices.
  void (*input)(const TileRow& row, const float* strip, float* v);
  /// A dy A^T of every tile, the adjoint of `output`: strip to matrices.
  void (*gradient)(const TileRow& row, const float* strip, float* v);
  /// A^T m A of every tile: matrices to a strip.
  void (*output)(const TileRow& row, const float* v, float* strip);
  /// G g G^T: `count` floats of each of 9 taps to as many of each matrix.
  void (*weights)(const float* taps, std::int64_t tap_stride, std::int64_t count, float* u,
                  std::int64_t matrix_stride);
  /// G^T u G, the adjoint of `weights`.
  void (*weights_gradient)(const float* u, std::int64_t matrix_stride, std::int64_t count,
                           float* taps, std::int64_t tap_stride);
};

struct LeafKernels {
  const char* name;
  std::int64_t lanes;
  void (*row_product)(const RowProduct& product);
  void (*column_product)(const ColumnProduct& product);
  WinogradKernels winograd4, winograd2;  ///< F(4x4, 3x3), F(2x2, 3x3)
};

/// Returns the kernels for AVX2 (or what the compiler makes of them elsewhere).
const LeafKernels& avx2_kernels();
/// Returns those for AVX-512; only for processors that have it.
const LeafKernels& avx512_kernels();

}  // namespace bptplr::kernels::conv
