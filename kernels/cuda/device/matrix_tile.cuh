// A tile of a matrix product on the tensor cores: c [rows, columns] = sum over the depth of a b,
// bfloat16 in, float32 sums. Who knows where a and b are only says how a slice of kDepth of them
// gets to shared memory; here is the rest.
//
// Slices go through a ring of stages. While one is multiplied, the next ones are on their way
// (cp.async), and one barrier a slice says both that a slice is there for all threads and that the
// stage of the one before may be filled anew.
//
// Shared memory is rows of 128 bytes, 64 values in eight pieces of 16 bytes. Both the copies, which
// fill a row with eight lanes, and the loads of matrices, which read the same piece of eight rows,
// touch all banks once if piece p of row r lies at p ^ (r % 8).
//
// A warp multiplies 64 x 64 values where the problem is large enough: for 16 of the depth, eight
// loads of 512 bytes for 32 products, so that shared memory (128 bytes a cycle) takes as long as
// the tensor cores at their full rate.
#pragma once

#include "kernels/cuda/device/tensor_core.cuh"

namespace bptplr::kernels {

inline constexpr int kDepth = 64;       // of a slice
inline constexpr int kRowBytes = 128;   // of shared memory
inline constexpr int kRowValues = 64;   // bfloat16
inline constexpr int kPieceValues = 8;  // 16 bytes
inline constexpr int kRowPieces = kRowValues / kPieceValues;

/// In which direction the rows of an operand in shared memory run, as those of its source do: along
/// the depth (a row for each row of a or column of b), or across it (a row for each value of the
/// depth; what is longer than 64 is cut into panels, one behind the other).
enum class Runs { kAlongDepth, kAcrossDepth };

/// Bytes from the beginning of an operand, or of a panel, to a piece.
__device__ __forceinline__ int piece_offset(int row, int piece) {
  return row * kRowBytes + (piece ^ row % 8) * 16;
}

/// A block computes kRows x kColumns, each of its warps kWarpRows x kWarpColumns.
template <int kRows_, int kColumns_, int kWarpRows_, int kWarpColumns_, int kStages_,
          int kBlocksOnSm_>
struct MatrixTile {
  static constexpr int kRows = kRows_, kColumns = kColumns_;
  static constexpr int kWarpRows = kWarpRows_, kWarpColumns = kWarpColumns_;
  static constexpr int kStages = kStages_;
  static constexpr int kBlocksOnSm = kBlocksOnSm_;
  static constexpr int kWarpsAcross = kColumns / kWarpColumns;
  static constexpr int kThreads = kRows / kWarpRows * kWarpsAcross * kWarp;
  static constexpr int kStageBytes = (kRows + kColumns) * kRowBytes;
  static constexpr int kSharedBytes = kStages * kStageBytes;
  /// Threads fill shared memory eight to a row.
  static constexpr int kRowsAtOnce = kThreads / kRowPieces;

  static_assert(kWarpRows % 16 == 0 && kWarpColumns % 16 == 0 && kRows % kRowsAtOnce == 0 &&
                kColumns % kRowsAtOnce == 0 && kDepth % kRowsAtOnce == 0);

  /// Sums of a lane: of 16 x 8 values each, see mma().
  using Sums = float[kWarpRows / 16][kWarpColumns / 8][4];

  static __device__ int warp_row() { return threadIdx.x / kWarp / kWarpsAcross * kWarpRows; }
  static __device__ int warp_column() { return threadIdx.x / kWarp % kWarpsAcross * kWarpColumns; }
  /// The first row that a thread fills, and the piece of it and of all others.
  static __device__ int filled_row() { return threadIdx.x / kRowPieces; }
  static __device__ int filled_piece() { return threadIdx.x % kRowPieces; }

  static __device__ unsigned char* shared() { return dynamic_shared<unsigned char>(); }

  /// The product over all slices. load(stage) queues the copies of the next slice (copy_async) and
  /// is called `slices` times. Ends with a barrier: shared memory may then be used for something
  /// else.
  template <Runs kRunsA, Runs kRunsB, class Load>
  static __device__ __forceinline__ void multiply(int slices, unsigned char* shared, Load&& load,
                                                  Sums& sums);
};

/// Four 8 x 8 matrices: 16 rows of a (or columns of b) from `row`, 16 of the depth. Of a, the
/// second matrix has the next rows; of b, the next of the depth.
template <Runs kRuns, bool kOfA>
__device__ __forceinline__ void load_operand(unsigned (&m)[4], const unsigned char* operand,
                                             int row, int depth) {
  const int lane = threadIdx.x % kWarp;
  const int second = lane / 8 % 2 * 8, third = lane / 16 * 8;
  row += kOfA ? second : third;
  depth += kOfA ? third : second;
  if constexpr (kRuns == Runs::kAlongDepth) {
    load_matrices<false>(m, operand + piece_offset(row + lane % 8, depth / kPieceValues));
  } else {
    const unsigned char* panel = operand + row / kRowValues * kDepth * kRowBytes;
    load_matrices<true>(m, panel + piece_offset(depth + lane % 8, row % kRowValues / kPieceValues));
  }
}

/// sums += a b for the slice in a stage: a first, b behind it.
template <class Tile, Runs kRunsA, Runs kRunsB>
__device__ __forceinline__ void multiply_slice(const unsigned char* stage,
                                               typename Tile::Sums& sums) {
  constexpr int kMmaRows = Tile::kWarpRows / 16, kMmaColumns = Tile::kWarpColumns / 16;
  const unsigned char* stage_b = stage + Tile::kRows * kRowBytes;
#pragma unroll
  for (int depth = 0; depth < kDepth; depth += 16) {
    unsigned a[kMmaRows][4], b[kMmaColumns][4];
#pragma unroll
    for (int i = 0; i < kMmaRows; ++i) {
      load_operand<kRunsA, true>(a[i], stage, Tile::warp_row() + 16 * i, depth);
    }
#pragma unroll
    for (int j = 0; j < kMmaColumns; ++j) {
      load_operand<kRunsB, false>(b[j], stage_b, Tile::warp_column() + 16 * j, depth);
    }
#pragma unroll
    for (int i = 0; i < kMmaRows; ++i) {
#pragma unroll
      for (int j = 0; j < kMmaColumns; ++j) {
        mma(sums[i][2 * j], a[i], b[j][0], b[j][1]);
        mma(sums[i][2 * j + 1], a[i], b[j][2], b[j][3]);
      }
    }
  }
}

template <class Tile>
__device__ __forceinline__ void set_to_zero(typename Tile::Sums& sums) {
#pragma unroll
  for (auto& row : sums) {
#pragma unroll
    for (auto& product : row) {
#pragma unroll
      for (float& sum : product) sum = 0.0f;
    }
  }
}

/// Queues the copies of all slices but one that shared memory has room for: a group for each, even
/// if it is empty, so that the number of groups says which slice is there.
template <class Tile, class Load>
__device__ __forceinline__ void start_loading(int slices, unsigned char* shared, Load&& load) {
  for (int s = 0; s < Tile::kStages - 1; ++s) {
    if (s < slices) load(shared + s * Tile::kStageBytes);
    commit_async();
  }
}

template <int kRows_, int kColumns_, int kWarpRows_, int kWarpColumns_, int kStages_,
          int kBlocksOnSm_>
template <Runs kRunsA, Runs kRunsB, class Load>
__device__ __forceinline__ void MatrixTile<kRows_, kColumns_, kWarpRows_, kWarpColumns_, kStages_,
                                           kBlocksOnSm_>::multiply(int slices,
                                                                   unsigned char* shared,
                                                                   Load&& load, Sums& sums) {
  constexpr int kAhead = kStages - 1;  // slices under way
  set_to_zero<MatrixTile>(sums);
  start_loading<MatrixTile>(slices, shared, load);
  int stage = 0;
  int next = kAhead * kStageBytes;
  for (int s = 0; s < slices; ++s) {
    wait_async<kAhead - 1>();
    __syncthreads();
    if (s + kAhead < slices) load(shared + next);
    commit_async();
    multiply_slice<MatrixTile, kRunsA, kRunsB>(shared + stage, sums);
    next = stage;  // it is free after the next barrier
    stage = stage + kStageBytes == kSharedBytes ? 0 : stage + kStageBytes;
  }
  __syncthreads();
}

}  // namespace bptplr::kernels
