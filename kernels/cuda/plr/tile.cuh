// A tile of kSide x kSide pairs of anchors: who computes which of them, their dot products, and
// which of them are negatives of each other. Both passes of plr.cu begin with it.
//
// Features lie in shared memory as they do outside, a row an anchor, and a thread multiplies
// vectors of four values of a few rows and a few columns: for 64 x 64, eight 16-byte reads for 64
// FMA. The threads of a warp are 4 x 8, so that such a read is of 4 or 8 different rows, and rows
// are padded so that these lie in different banks.
#pragma once

#include <cstdint>

#include "kernels/cuda/device/block.cuh"

namespace bptplr::kernels::plr {

inline constexpr int kDepth = 128;         // values of a feature that are there at a time
inline constexpr int kPitch = kDepth + 4;  // in floats, of a tile of features
inline constexpr int kThreadRows = 16;
inline constexpr int kColumns = 4;      // of pairs a thread
inline constexpr int kLaneColumns = 8;  // of threads a warp

/// Who computes what of a tile of kSide x kSide pairs: the thread at (row, column) has the pairs
/// (row + kThreadRows r, column + kThreadColumns c).
template <int kSide>
struct Tile {
  static constexpr int kRows = kSide / kThreadRows;
  static constexpr int kThreadColumns = kSide / kColumns;
  static constexpr int kThreads = kThreadRows * kThreadColumns;
  static constexpr int kWarpColumns = kThreadColumns / kLaneColumns;
  static constexpr int kFeatures = kSide * kPitch;  // floats of a tile of features

  using Pairs = float[kRows][kColumns];

  static __device__ int warp_column() { return threadIdx.x / kWarp % kWarpColumns; }
  static __device__ int row() {
    return threadIdx.x / kWarp / kWarpColumns * (kWarp / kLaneColumns) +
           threadIdx.x % kWarp / kLaneColumns;
  }
  static __device__ int column() {
    return warp_column() * kLaneColumns + threadIdx.x % kLaneColumns;
  }
};

struct Anchors {
  const float* features;      // [count, dim]
  const std::uint64_t* sets;  // [count / 2, words]
  std::int64_t dim;
  int count;
  int words;  // 0 without class sets
  int slabs;  // of kDepth values, that a feature is long
  float inverse_tau;

  __device__ int positive_of(int i) const { return i < count / 2 ? i + count / 2 : i - count / 2; }
  __device__ int sample_of(int i) const { return i < count / 2 ? i : i - count / 2; }
};

/// Copies the values d0.. of kSide anchors to shared memory; what does not exist is 0. All of a
/// thread's loads are in flight before the first is stored.
template <int kSide, int kWidth>
__device__ __forceinline__ void load_features(const Anchors& a, int first, std::int64_t d0,
                                              float* tile) {
  constexpr int kWarps = Tile<kSide>::kThreads / kWarp;
  constexpr int kRows = kSide / kWarps, kPieces = kDepth / (kWarp * kWidth);
  const int warp = threadIdx.x / kWarp, lane = threadIdx.x % kWarp;
  Vec<float, kWidth> values[kRows][kPieces];
#pragma unroll
  for (int r = 0; r < kRows; ++r) {
    const std::int64_t anchor = first + warp + r * kWarps;
#pragma unroll
    for (int p = 0; p < kPieces; ++p) {
      const std::int64_t d = d0 + (p * kWarp + lane) * kWidth;
      values[r][p] = {};
      if (anchor < a.count && d < a.dim) {
        values[r][p] = load_vec<float, kWidth>(a.features + anchor * a.dim + d);
      }
    }
  }
#pragma unroll
  for (int r = 0; r < kRows; ++r) {
#pragma unroll
    for (int p = 0; p < kPieces; ++p) {
      store_vec(tile + (warp + r * kWarps) * kPitch + (p * kWarp + lane) * kWidth, values[r][p]);
    }
  }
}

/// f_i . f_j for the thread's pairs. Both tiles of features go through shared memory in slabs of
/// the dimension, the slab `last` at the end: its columns are still there afterwards. Rows that are
/// there already (`keep_rows`) are not loaded again.
template <int kSide, int kWidth>
__device__ __forceinline__ void dot_products(const Anchors& a, int i0, int j0, bool keep_rows,
                                             int last, float* rows, float* columns,
                                             typename Tile<kSide>::Pairs& dots) {
  using T = Tile<kSide>;
  const float* row = rows + T::row() * kPitch;
  const float* column = columns + T::column() * kPitch;
  for (int r = 0; r < T::kRows; ++r) {
    for (int c = 0; c < kColumns; ++c) dots[r][c] = 0.0f;
  }
  for (int turn = 1; turn <= a.slabs; ++turn) {
    const int slab = last + turn < a.slabs ? last + turn : last + turn - a.slabs;
    const std::int64_t d0 = static_cast<std::int64_t>(slab) * kDepth;
    __syncthreads();  // whoever still reads the tiles before
    if (!keep_rows) load_features<kSide, kWidth>(a, i0, d0, rows);
    load_features<kSide, kWidth>(a, j0, d0, columns);
    __syncthreads();
    const int depth = static_cast<int>(min(a.dim - d0, static_cast<std::int64_t>(kDepth)));
#pragma unroll 2
    for (int d = 0; d < depth; d += 4) {
      Vec<float, 4> x[T::kRows], y[kColumns];
      for (int r = 0; r < T::kRows; ++r) {
        x[r] = load_vec<float, 4>(row + r * kThreadRows * kPitch + d);
      }
      for (int c = 0; c < kColumns; ++c) {
        y[c] = load_vec<float, 4>(column + c * T::kThreadColumns * kPitch + d);
      }
      for (int k = 0; k < 4; ++k) {
        for (int r = 0; r < T::kRows; ++r) {
          for (int c = 0; c < kColumns; ++c) dots[r][c] += x[r].v[k] * y[c].v[k];
        }
      }
    }
  }
}

__device__ __forceinline__ unsigned pair_bit(int r, int c) {
  return 1u << (r * kColumns + c);
}

__device__ __forceinline__ unsigned row_bits(int r) {
  return ((1u << kColumns) - 1u) << (r * kColumns);
}

/// The bits of those of the thread's pairs that are negatives of each other.
template <int kSide>
__device__ __forceinline__ unsigned negative_pairs(const Anchors& a, int i0, int j0) {
  using T = Tile<kSide>;
  const int first_row = i0 + T::row(), first_column = j0 + T::column();
  int row_sample[T::kRows], column_sample[kColumns];
  unsigned left_out = 0;
  for (int r = 0; r < T::kRows; ++r) {
    const int i = first_row + r * kThreadRows;
    row_sample[r] = i < a.count ? a.sample_of(i) : 0;
    for (int c = 0; c < kColumns; ++c) {
      const int j = first_column + c * T::kThreadColumns;
      column_sample[c] = j < a.count ? a.sample_of(j) : 0;
      if (i >= a.count || j >= a.count || row_sample[r] == column_sample[c]) {
        left_out |= pair_bit(r, c);
      }
    }
  }
  for (int w = 0; w < a.words; ++w) {
    std::uint64_t column_set[kColumns];
    for (int c = 0; c < kColumns; ++c) {
      column_set[c] = a.sets[static_cast<std::int64_t>(column_sample[c]) * a.words + w];
    }
    for (int r = 0; r < T::kRows; ++r) {
      const std::uint64_t row_set = a.sets[static_cast<std::int64_t>(row_sample[r]) * a.words + w];
      for (int c = 0; c < kColumns; ++c) {
        if ((row_set & column_set[c]) != 0) left_out |= pair_bit(r, c);
      }
    }
  }
  return ~left_out;
}

}  // namespace bptplr::kernels::plr
