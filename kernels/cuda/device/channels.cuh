// How blocks share out x [groups, rows, channels] when a thread keeps to its own channels: what it
// knows about them stays in registers, and warps read whole stretches of rows.
//
// A block takes a chunk of a group's rows and a tile of the channels, at most kWarp vectors across.
// Its threads stand in `slices` rows, side by side over the tile, and go through the chunk
// kRowBatch rows at a time, all loads of a batch before their use. The shape alone decides how the
// rows are cut, so the order of a sum does not depend on the GPU.
#pragma once

#include <algorithm>
#include <type_traits>

#include "kernels/cuda/device/activations.cuh"

namespace bptplr::kernels {

inline constexpr int kRowBatch = 4;

/// The rows of a group, cut into chunks of which the last may be shorter.
struct RowChunks {
  std::int64_t rows;
  std::int64_t rows_per_chunk;
  int chunks;  ///< at least 1
  int channels;

  __device__ std::int64_t rows_in_chunk(int chunk) const {
    const std::int64_t left = rows - chunk * rows_per_chunk;
    return left < rows_per_chunk ? left : rows_per_chunk;
  }
};

struct ChannelTiling : RowChunks {
  int batches;  ///< of kRowBatch * slices rows, in a chunk
  int tile;     ///< vectors across
  int slices;   ///< rows that a block's threads stand in

  /// For blocks of `threads` threads and vectors of `width` channels: about `blocks` blocks, fewer
  /// where they would have less than a batch to do.
  ChannelTiling(int threads, int width, std::int64_t groups, std::int64_t rows_,
                std::int64_t channels_, std::int64_t blocks)
      : RowChunks{rows_, 0, 1, static_cast<int>(channels_)} {
    const std::int64_t vectors = div_up(channels_, width);
    const std::int64_t tiles = std::max<std::int64_t>(div_up(vectors, kWarp), 1);
    tile = static_cast<int>(std::max<std::int64_t>(div_up(vectors, tiles), 1));
    slices = threads / tile;
    const std::int64_t wanted =
        std::max<std::int64_t>(blocks / std::max<std::int64_t>(groups * tiles, 1), 1);
    const std::int64_t batch_rows = slices * kRowBatch;
    batches = static_cast<int>(div_up(div_up(rows, wanted), batch_rows));
    rows_per_chunk = batches * batch_rows;
    if (rows > 0) chunks = static_cast<int>(div_up(rows, rows_per_chunk));
  }
};

/// Calls fn(std::integral_constant<int, width>) with the channels that a thread can take at once:
/// 16 bytes of T where all arrays allow it, in whole vectors of their own types; otherwise one.
/// Arrays may be null.
template <class T, class Fn, class... Arrays>
void with_width(std::int64_t channels, Fn&& fn, const Arrays*... arrays) {
  constexpr int kWidth = kVecWidth<T>;
  const auto aligned = [](const auto* array, std::size_t bytes) {
    return reinterpret_cast<std::uintptr_t>(array) % bytes == 0;
  };
  if (channels % kWidth == 0 &&
      (aligned(arrays, sizeof(Vec<Arrays, kAccessWidth<Arrays, kWidth>>)) && ...)) {
    fn(std::integral_constant<int, kWidth>{});
  } else {
    fn(std::integral_constant<int, 1>{});
  }
}

/// One block for each chunk (x) and tile (y).
inline dim3 channel_grid(const ChannelTiling& t, int width, std::int64_t groups) {
  const std::int64_t tiles = div_up(t.channels, static_cast<std::int64_t>(t.tile) * width);
  return dim3(static_cast<unsigned>(groups * t.chunks), static_cast<unsigned>(tiles));
}

/// The running thread's place in a tiling: its channels and its rows.
template <int kWidth>
struct ChannelPlace {
  int group;
  int slice;
  int local;           ///< its first channel, counted from the block's first
  int first;           ///< the block's first channel
  std::int64_t begin;  ///< its first row, counted over all groups
  std::int64_t end;    ///< where the block's rows end; begin of a thread without work
  std::int64_t channels;

  __device__ explicit ChannelPlace(const ChannelTiling& t)
      : group(static_cast<int>(blockIdx.x) / t.chunks),
        slice(static_cast<int>(threadIdx.x) / t.tile),
        local(static_cast<int>(threadIdx.x) % t.tile * kWidth),
        first(static_cast<int>(blockIdx.y) * t.tile * kWidth),
        channels(t.channels) {
    const int chunk = static_cast<int>(blockIdx.x) % t.chunks;
    const std::int64_t top = group * t.rows + chunk * t.rows_per_chunk;
    begin = top + slice;
    end = slice < t.slices && channel() < t.channels ? top + t.rows_in_chunk(chunk) : begin;
  }

  __device__ int channel() const { return first + local; }
  __device__ std::int64_t offset(std::int64_t row) const { return row * channels + channel(); }
};

template <int kRows>
using RowCount = std::integral_constant<int, kRows>;

/// Calls fn(RowCount<k>, row) for the thread's rows: row, row + slices, ... k of them at a time.
/// kBackwards: from the last batch to the first. What an earlier pass read last is still in the L2
/// cache, so a second pass over the same rows goes the other way.
template <bool kBackwards, int kWidth, class Fn>
__device__ __forceinline__ void for_each_batch(const ChannelTiling& t,
                                               const ChannelPlace<kWidth>& at, Fn&& fn) {
  for (int i = 0; i < t.batches; ++i) {
    const std::int64_t batch = kBackwards ? t.batches - 1 - i : i;
    std::int64_t row = at.begin + batch * kRowBatch * t.slices;
    if (row + (kRowBatch - 1) * t.slices < at.end) {
      fn(RowCount<kRowBatch>{}, row);
    } else {
      for (; row < at.end; row += t.slices) fn(RowCount<1>{}, row);
    }
  }
}

/// A thread's values in the rows row, row + slices, ... They stay as they are in memory until they
/// are used: bfloat16 takes half the registers of float.
template <int kRows, int kWidth, class T>
struct RowBatch {
  Vec<T, kWidth> rows[kRows];

  RowBatch() = default;
  __device__ RowBatch(const ChannelTiling& t, const ChannelPlace<kWidth>& at, const T* x,
                      std::int64_t row) {
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      rows[r] = load_vec<T, kWidth>(x + at.offset(row + r * t.slices));
    }
  }

  __device__ float operator()(int r, int k) const {
    return static_cast<float>(rows[r].v[k]);
  }
};

/// Merges what the slices of a block found, own.merge(other), into slice 0: in pairs, the later
/// slice into the earlier. All threads of the block call it.
template <int kThreads, class State>
__device__ __forceinline__ void merge_slices(State& own, int slice, int slices, int tile) {
  __shared__ State handed[kThreads / 2];
  const int thread = static_cast<int>(threadIdx.x);
  int left = slices;
  while (left > 1) {
    const int half = (left + 1) / 2;
    if (slice >= half && slice < left) handed[thread - half * tile] = own;
    __syncthreads();
    if (slice + half < left) own.merge(handed[thread]);
    __syncthreads();
    left = half;
  }
}

}  // namespace bptplr::kernels
