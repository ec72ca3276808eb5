// Weights as products read them: in panels of 2 * lanes columns (the last one of `lanes` where
// these do), each a matrix [depth, columns of the panel], with zeros beyond the last column.
#pragma once

#include <algorithm>
#include <cstdint>

namespace bptplr::kernels::conv {

/// Columns of all panels of a matrix with this many columns.
inline std::int64_t padded_columns(std::int64_t columns, std::int64_t lanes) {
  return (columns + lanes - 1) / lanes * lanes;
}

/// Columns of the panel that begins at `column`.
inline std::int64_t panel_columns(std::int64_t column, std::int64_t columns, std::int64_t lanes) {
  return columns - column > lanes ? 2 * lanes : lanes;
}

/// Calls fn(first column, columns of the panel) for every panel.
template <class Fn>
void for_each_panel_of(std::int64_t columns, std::int64_t lanes, Fn&& fn) {
  for (std::int64_t column = 0; column < columns; column += 2 * lanes) {
    fn(column, panel_columns(column, columns, lanes));
  }
}

/// Fills one panel, of `width` columns, from the matrix whose row d begins at rows(d): element (d,
/// j) of the panel is that of column first + j.
template <class Rows>
void pack_rows(Rows&& rows, std::int64_t depth, std::int64_t first, std::int64_t columns,
               std::int64_t width, float* panel) {
  const std::int64_t filled = std::min(width, columns - first);
  for (std::int64_t d = 0; d < depth; ++d, panel += width) {
    std::copy_n(rows(d) + first, filled, panel);
    std::fill_n(panel + filled, width - filled, 0.0F);
  }
}

/// Fills one panel from the matrix whose column j begins at columns_of + j * stride. A cache line
/// of each column is read at a time: columns often lie a power of two apart, which few lines of a
/// cache hold together.
inline void pack_columns(const float* columns_of, std::int64_t stride, std::int64_t depth,
                         std::int64_t first, std::int64_t columns, std::int64_t width,
                         float* panel) {
  constexpr std::int64_t kBlock = 16;
  const std::int64_t filled = std::min(width, columns - first);
  for (std::int64_t begin = 0; begin < depth; begin += kBlock) {
    const std::int64_t rows = std::min(kBlock, depth - begin);
    float* to = panel + begin * width;
    for (std::int64_t j = 0; j < width; ++j) {
      const float* from = columns_of + (first + j) * stride + begin;
      for (std::int64_t d = 0; d < rows; ++d) to[d * width + j] = j < filled ? from[d] : 0.0F;
    }
  }
}

}  // namespace bptplr::kernels::conv
