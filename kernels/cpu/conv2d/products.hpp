// Products of matrices whose results stay in registers: every sum runs over its terms in their
// order, whatever the level of the instruction set, so all levels give the same bits.
#pragma once

#include <type_traits>

#include "kernels/cpu/conv2d/leaf_kernels.hpp"
#include "kernels/cpu/conv2d/simd.hpp"

namespace bptplr::kernels::conv {

/// Stores the first `columns` of kVectors vectors.
template <class Isa, int kVectors>
BPTPLR_INLINE void store_columns(float* to, const Vec<Isa>* v, std::int64_t columns) {
  if (columns >= kVectors * Isa::kLanes) {
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) store<Isa>(to + j * Isa::kLanes, v[j]);
    return;
  }
  float all[kVectors * Isa::kLanes];
  for (int j = 0; j < kVectors; ++j) store<Isa>(all + j * Isa::kLanes, v[j]);
  for (std::int64_t j = 0; j < columns; ++j) to[j] = all[j];
}

/// Computes kM rows of one panel of kVectors vectors.
template <class Isa, int kM, int kVectors>
void row_tile(const RowProduct& p, std::int64_t first, const float* panel, float* c,
              std::int64_t columns) {
  const float* row[kM];
  Vec<Isa> sum[kM][kVectors] = {};
#pragma GCC unroll 8
  for (int m = 0; m < kM; ++m) row[m] = p.a + p.a_offset[first + m];
  for (std::int64_t t = 0; t < p.taps; ++t) {
    for (std::int64_t d = 0; d < p.depth; ++d) {
      Vec<Isa> b[kVectors];
#pragma GCC unroll 4
      for (int j = 0; j < kVectors; ++j) b[j] = load<Isa>(panel + j * Isa::kLanes);
      panel += kVectors * Isa::kLanes;
#pragma GCC unroll 8
      for (int m = 0; m < kM; ++m) {
        const Vec<Isa> a = broadcast<Isa>(row[m][d]);
#pragma GCC unroll 4
        for (int j = 0; j < kVectors; ++j) sum[m][j] = fma<Isa>(a, b[j], sum[m][j]);
      }
    }
#pragma GCC unroll 8
    for (int m = 0; m < kM; ++m) row[m] += p.tap_stride;
  }
#pragma GCC unroll 8
  for (int m = 0; m < kM; ++m) {
    store_columns<Isa, kVectors>(c + p.c_offset[first + m], sum[m], columns);
  }
}

/// Adds to kM rows of kVectors vectors of c.
template <class Isa, int kM, int kVectors>
void column_tile(const ColumnProduct& p, const float* a, const float* b, float* c) {
  Vec<Isa> sum[kM][kVectors];
#pragma GCC unroll 8
  for (int m = 0; m < kM; ++m) {
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) sum[m][j] = load<Isa>(c + m * p.ldc + j * Isa::kLanes);
  }
  for (std::int64_t i = 0; i < p.steps; ++i) {
    const float* at = a + p.a_offset[i];
    Vec<Isa> row[kVectors];
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) row[j] = load<Isa>(b + j * Isa::kLanes);
    b += p.ldb;
#pragma GCC unroll 8
    for (int m = 0; m < kM; ++m) {
      const Vec<Isa> x = broadcast<Isa>(at[m]);
#pragma GCC unroll 4
      for (int j = 0; j < kVectors; ++j) sum[m][j] = fma<Isa>(x, row[j], sum[m][j]);
    }
  }
#pragma GCC unroll 8
  for (int m = 0; m < kM; ++m) {
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) store<Isa>(c + m * p.ldc + j * Isa::kLanes, sum[m][j]);
  }
}

/// Calls fn with `count` as a constant of the compiler, 1 to kMost.
template <int kMost, class Fn>
BPTPLR_INLINE void with_constant(std::int64_t count, Fn&& fn) {
  if constexpr (kMost > 1) {
    if (count < kMost) return with_constant<kMost - 1>(count, fn);
  }
  fn(std::integral_constant<int, kMost>{});
}

/// Calls fn(first, constant count) for parts of `rows` that are as equal as they can be and have at
/// most kMost rows: 8 rows are two times 4 rather than 6 and 2, as few rows keep a core waiting.
template <int kMost, class Fn>
BPTPLR_INLINE void for_each_part(std::int64_t rows, Fn&& fn) {
  const std::int64_t parts = (rows + kMost - 1) / kMost;
  std::int64_t first = 0;
  for (std::int64_t left = parts; left > 0; --left) {
    const std::int64_t count = (rows - first + left - 1) / left;
    with_constant<kMost>(count, [&](auto constant) { fn(first, constant); });
    first += count;
  }
}

/// Calls fn(first column, constant number of vectors) for every panel of a packed matrix.
template <class Isa, class Fn>
BPTPLR_INLINE void for_each_panel(std::int64_t columns, Fn&& fn) {
  std::int64_t column = 0;
  for (; column + Isa::kLanes < columns; column += 2 * Isa::kLanes) {
    fn(column, std::integral_constant<int, 2>{});
  }
  if (column < columns) fn(column, std::integral_constant<int, 1>{});
}

template <class Isa>
void row_product(const RowProduct& all) {
  RowProduct p = all;
  for (std::int64_t i = 0; i < all.batch; ++i) {
    for_each_panel<Isa>(p.columns, [&](std::int64_t column, auto vectors) {
      const float* b = p.b + column * p.taps * p.depth;
      for_each_part<Isa::kRows>(p.rows, [&](std::int64_t first, auto m) {
        row_tile<Isa, decltype(m)::value, decltype(vectors)::value>(p, first, b, p.c + column,
                                                                    p.columns - column);
      });
    });
    p.a += p.a_batch;
    p.b += p.b_batch;
    p.c += p.c_batch;
  }
}

template <class Isa>
void column_product(const ColumnProduct& p) {
  for_each_panel<Isa>(p.columns, [&](std::int64_t column, auto vectors) {
    for_each_part<Isa::kRows>(p.m, [&](std::int64_t first, auto m) {
      column_tile<Isa, decltype(m)::value, decltype(vectors)::value>(p, p.a + first, p.b + column,
                                                                     p.c + first * p.ldc + column);
    });
  });
}

}  // namespace bptplr::kernels::conv
