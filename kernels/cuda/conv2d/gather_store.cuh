// What becomes of the sums of a tile of gather.cuh: they are rounded and written, and, if
// wanted, something is added to them and what batch normalisation does next is done before they
// leave the SM. For N values in bfloat16 behind the convolution's own work:
//
//   moments      in training. The statistics need no pass of their own: 0 of 2 N bytes; with the
//                residual add 2 N (the addend) of 6 N.
//   normalized   with known statistics, as in evaluation: 0 of 4 N bytes; with the residual add 2 N
//                of 10 N where the sum itself is not wanted.
#pragma once

#include "kernels/cuda/batch_norm/channels.cuh"
#include "kernels/cuda/conv2d/gather.cuh"

namespace bptplr::kernels {

/// Rounds the sums into shared memory, in panels of 64 channels; ends with a barrier.
template <class Tile>
__device__ __forceinline__ void round_sums(const typename Tile::Sums& sums, unsigned char* shared) {
  constexpr int kPanelBytes = Tile::kRows * kRowBytes;
  const int lane = threadIdx.x % kWarp;
#pragma unroll
  for (int i = 0; i < Tile::kWarpRows / 8; ++i) {
    const int row = Tile::warp_row() + 8 * i + lane / 4;
#pragma unroll
    for (int j = 0; j < Tile::kWarpColumns / 8; ++j) {
      const int column = Tile::warp_column() + 8 * j;
      const float* pair = sums[i / 2][j] + i % 2 * 2;
      unsigned char* piece = shared + column / kRowValues * kPanelBytes +
                             piece_offset(row, column % kRowValues / kPieceValues);
      store_vec(reinterpret_cast<bfloat16*>(piece) + lane % 4 * 2,
                Vec<bfloat16, 2>{{bfloat16(pair[0]), bfloat16(pair[1])}});
    }
  }
  __syncthreads();
}

/// A piece of the rounded sums: 8 channels of a row.
template <class Tile>
__device__ __forceinline__ Vec<bfloat16, kPieceValues> rounded_piece(const unsigned char* shared,
                                                                     int panel, int row) {
  const unsigned char* piece =
      shared + panel * Tile::kRows * kRowBytes + piece_offset(row, Tile::filled_piece());
  return load_vec<bfloat16, kPieceValues>(reinterpret_cast<const bfloat16*>(piece));
}

/// Rounds the sums and writes them, by way of shared memory so that rows of 128 bytes go out whole.
template <class Tile>
__device__ __forceinline__ void store_tile(const GatherProblem& p, const Phase& phase,
                                           PixelRange pixels, int first_channel,
                                           const typename Tile::Sums& sums, unsigned char* shared) {
  round_sums<Tile>(sums, shared);
#pragma unroll 1
  for (int i = 0; i < Tile::kRows; i += Tile::kRowsAtOnce) {
    const int row = Tile::filled_row() + i, index = pixels.first + row;
    if (index >= pixels.end) break;
    const Pixel pixel = phase.grid.at(index);
    const int out_h = pixel.h * p.out_step + phase.h, out_w = pixel.w * p.out_step + phase.w;
    const int channel = first_channel + Tile::filled_piece() * kPieceValues;
    bfloat16* to = p.out + (((pixel.n * p.out_h + out_h) * p.out_w + out_w) * p.channels + channel);
#pragma unroll
    for (int panel = 0; panel < Tile::kColumns / kRowValues; ++panel) {
      if (channel + panel * kRowValues >= p.channels) break;
      store_vec(to + panel * kRowValues, rounded_piece<Tile>(shared, panel, row));
    }
  }
}

/// Rows of a thread in a panel of the tile: 8 channels of each.
template <int kRows>
using PieceRows = RowBatch<kRows, kPieceValues, bfloat16>;

/// Where kRows rows of a thread are in arrays of activations: at `first`, first + pitch, ...
struct RowPlaces {
  int first, pitch;
};

template <class Tile>
__device__ __forceinline__ RowPlaces places_of(const GatherProblem& p, PixelRange pixels, int row,
                                               int channel) {
  return {(pixels.first + row) * p.channels + channel, Tile::kRowsAtOnce * p.channels};
}

/// The sums of kRows rows of a panel, `row`, row + kRowsAtOnce, ..., plus the addend.
template <class Tile, int kRows>
__device__ __forceinline__ PieceRows<kRows> rows_with_addend(const GatherProblem& p,
                                                             RowPlaces places,
                                                             const unsigned char* shared, int panel,
                                                             int row) {
  PieceRows<kRows> values;
#pragma unroll
  for (int r = 0; r < kRows; ++r) {
    values.rows[r] = rounded_piece<Tile>(shared, panel, row + r * Tile::kRowsAtOnce);
  }
  if (p.addend == nullptr) return values;
  PieceRows<kRows> addend;
#pragma unroll
  for (int r = 0; r < kRows; ++r) {
    addend.rows[r] = load_vec<bfloat16, kPieceValues>(p.addend + (places.first + r * places.pitch));
  }
#pragma unroll
  for (int r = 0; r < kRows; ++r) {
    for (int k = 0; k < kPieceValues; ++k) {
      values.rows[r].v[k] = static_cast<bfloat16>(values(r, k) + addend(r, k));
    }
  }
  return values;
}

template <int kRows>
__device__ __forceinline__ void store_rows(bfloat16* array, RowPlaces places,
                                           const PieceRows<kRows>& values) {
#pragma unroll
  for (int r = 0; r < kRows; ++r) {
    store_vec(array + (places.first + r * places.pitch), values.rows[r]);
  }
}

/// Calls fn(RowCount<k>, row) for the thread's rows of a tile: row, row + kRowsAtOnce, ... k of
/// them at a time.
template <class Tile, class Fn>
__device__ __forceinline__ void for_rows_of_tile(PixelRange pixels, Fn&& fn) {
  static_assert(Tile::kRows % (kRowBatch * Tile::kRowsAtOnce) == 0);
  const int rows = pixels.end - pixels.first;
#pragma unroll 1
  for (int row = Tile::filled_row(); row < rows; row += kRowBatch * Tile::kRowsAtOnce) {
    if (row + (kRowBatch - 1) * Tile::kRowsAtOnce < rows) {
      fn(RowCount<kRowBatch>{}, row);
    } else {
#pragma unroll 1
      for (int r = row; r < rows; r += Tile::kRowsAtOnce) fn(RowCount<1>{}, r);
    }
  }
}

/// Writes the normalised sums plus the addend, and those before that if they are wanted.
template <class Tile>
__device__ __forceinline__ void store_normalized(const GatherProblem& p, PixelRange pixels,
                                                 int first_channel, const typename Tile::Sums& sums,
                                                 unsigned char* shared) {
  round_sums<Tile>(sums, shared);
#pragma unroll 1
  for (int panel = 0; panel < Tile::kColumns / kRowValues; ++panel) {
    const int channel = first_channel + panel * kRowValues + Tile::filled_piece() * kPieceValues;
    if (channel >= p.channels) break;
    const Affine<kPieceValues> affine(p.norm, channel);
    for_rows_of_tile<Tile>(pixels, [&](auto count, int row) {
      constexpr int kRows = decltype(count)::value;
      const RowPlaces places = places_of<Tile>(p, pixels, row, channel);
      PieceRows<kRows> values = rows_with_addend<Tile, kRows>(p, places, shared, panel, row);
      if (p.sum != nullptr) store_rows(p.sum, places, values);
      for (int r = 0; r < kRows; ++r) {
        for (int k = 0; k < kPieceValues; ++k) {
          const float value = affine(k, values(r, k));
          // Written so that NaN passes through: it must reach the loss and be seen.
          values.rows[r].v[k] = static_cast<bfloat16>(p.norm.relu && value < 0.0f ? 0.0f : value);
        }
      }
      store_rows(p.out, places, values);
    });
  }
}

/// Moments of 8 channels, over rows of a tile.
using PieceMoments = Moments<kPieceValues>;

/// Merges what the rows of a warp found; the first row of the warp has the result.
__device__ __forceinline__ void merge_lanes(PieceMoments& own) {
#pragma unroll
  for (int lanes = kRowPieces; lanes < kWarp; lanes *= 2) {
    PieceMoments other;
    other.count = __shfl_xor_sync(kAllLanes, own.count, lanes);
    for (int k = 0; k < kPieceValues; ++k) {
      other.mean.v[k] = __shfl_xor_sync(kAllLanes, own.mean.v[k], lanes);
      other.m2.v[k] = __shfl_xor_sync(kAllLanes, own.m2.v[k], lanes);
    }
    own.merge(other);
  }
}

/// What the warps of a block found, in the shared memory that the tile has left.
template <class Tile>
struct WarpMoments {
  static constexpr int kWarps = Tile::kThreads / kWarp;
  float mean[kWarps][Tile::kColumns];
  float m2[kWarps][Tile::kColumns];
  float count[kWarps];
};

/// Writes the tile plus the addend, and the moments of each of its channels to the chunk
/// `row_tile`.
template <class Tile>
__device__ __forceinline__ void store_with_moments(const GatherProblem& p, int row_tile,
                                                   PixelRange pixels, int first_channel,
                                                   const typename Tile::Sums& sums,
                                                   unsigned char* shared) {
  constexpr int kPanels = Tile::kColumns / kRowValues;
  static_assert(Tile::kColumns <= Tile::kThreads &&
                sizeof(WarpMoments<Tile>) <= Tile::kSharedBytes);
  round_sums<Tile>(sums, shared);
  PieceMoments own[kPanels]{};
#pragma unroll
  for (int panel = 0; panel < kPanels; ++panel) {
    const int channel = first_channel + panel * kRowValues + Tile::filled_piece() * kPieceValues;
    if (channel >= p.channels) break;
    for_rows_of_tile<Tile>(pixels, [&](auto count, int row) {
      constexpr int kRows = decltype(count)::value;
      const RowPlaces places = places_of<Tile>(p, pixels, row, channel);
      const auto values = rows_with_addend<Tile, kRows>(p, places, shared, panel, row);
      store_rows(p.out, places, values);
      own[panel].add(values);
    });
  }
  __syncthreads();  // the tile has been read
  auto& found = *reinterpret_cast<WarpMoments<Tile>*>(shared);
  const int thread = static_cast<int>(threadIdx.x), warp = thread / kWarp;
#pragma unroll
  for (int panel = 0; panel < kPanels; ++panel) {
    merge_lanes(own[panel]);
    if (thread % kWarp >= kRowPieces) continue;
    const int column = panel * kRowValues + Tile::filled_piece() * kPieceValues;
    store_values(&found.mean[warp][column], own[panel].mean);
    store_values(&found.m2[warp][column], own[panel].m2);
  }
  if (thread % kWarp == 0) found.count[warp] = own[0].count;  // of a channel that there is
  __syncthreads();
  const int channel = first_channel + thread;
  if (thread >= Tile::kColumns || channel >= p.channels) return;
  Moments<1> all{};
#pragma unroll
  for (int w = 0; w < WarpMoments<Tile>::kWarps; ++w) {
    all.merge({found.count[w], {found.mean[w][thread]}, {found.m2[w][thread]}});
  }
  float* out = p.moments + static_cast<std::int64_t>(row_tile) * 2 * p.channels + channel;
  out[0] = all.mean.v[0];
  out[p.channels] = all.m2.v[0];
}

}  // namespace bptplr::kernels
