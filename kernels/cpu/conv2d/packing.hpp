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

/// Fills one panel, of `width` columns, from a matrix whose element (row, column) lies at
/// rows(row)[column * column_stride]: element (row, j) of the panel is that of column first + j.
template <class Rows>
void pack_panel(Rows&& rows, std::int64_t depth, std::int64_t column_stride, std::int64_t first,
                std::int64_t columns, std::int64_t width, float* panel) {
  const std::int64_t filled = std::min(width, columns - first);
  for (std::int64_t d = 0; d < depth; ++d) {
    const float* from = rows(d) + first * column_stride;
    float* to = panel + d * width;
    if (column_stride == 1) {
      for (std::int64_t j = 0; j < filled; ++j) to[j] = from[j];
    } else {
      for (std::int64_t j = 0; j < filled; ++j) to[j] = from[j * column_stride];
    }
    for (std::int64_t j = filled; j < width; ++j) to[j] = 0.0F;
  }
}

}  // namespace bptplr::kernels::conv
