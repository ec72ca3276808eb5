// Forward convolution and data gradient as one kernel: both are a product of a gathered matrix and
// the weights. A row of the first is an output pixel of the call, its depth the channels of the
// pixels that the taps of the kernel read, a tap after the other; it exists only in tiles, in
// shared memory, where pixels outside of the image are zeros. What differs is told by the numbers
// in GatherProblem, and by how the weights lie: along the depth (forward) or across it.
//
// A gradient through a stride reads from pixels that are a stride apart, and which taps meet them
// depends on where the pixel is. So pixels are divided by their coordinates modulo the stride into
// phases, each of which has its own taps: no product with zeros is computed. Every tap belongs to
// one phase.
//
// For 64 channels of the depth all taps are gone through before the next 64, so that neighbouring
// taps find what they share in L1. Blocks that follow each other have the same pixels and other
// output channels, so that pixels come from device memory once.
#pragma once

#include "kernels/conv2d.hpp"
#include "kernels/cuda/conv2d_pixels.cuh"
#include "kernels/cuda/conv2d_tensor_core.hpp"
#include "kernels/cuda/launch.hpp"
#include "kernels/cuda/matrix_tile.cuh"

namespace bptplr::kernels {

struct Tap {
  int h, w;     // from the pixel of the grid times the step to the one that is read
  int weights;  // its number in the kernel
};

/// Output pixels (grid pixel * out_step + (h, w)) and their taps.
struct Phase {
  PixelGrid grid;
  int h, w;
  int first_tap, taps;
};

/// Reads source [n, source_h, source_w, depth], writes out [n, out_h, out_w, channels].
struct GatherProblem {
  static constexpr int kMaxTaps = 9;
  static constexpr int kMaxPhases = 4;

  const bfloat16* source;
  const bfloat16* weights;  // [channels, kernel_taps, depth] or [depth, kernel_taps, channels]
  bfloat16* out;
  int source_h, source_w, depth;
  int out_h, out_w, channels;
  int step, out_step;
  int kernel_taps;
  Tap taps[kMaxTaps];
  Phase phases[kMaxPhases];
  int phase_count;
};

/// Brings the slices of a block's tile to shared memory.
template <class Tile, Runs kWeightsRun>
class GatherLoader {
 public:
  __device__ GatherLoader(const GatherProblem& problem, const Phase& phase, int first_pixel,
                          int first_channel)
      : p_(problem), phase_(phase), first_channel_(first_channel) {
    Pixel first_read[kPixels];
#pragma unroll
    for (int i = 0; i < kPixels; ++i) {
      const int index = first_pixel + Tile::filled_row() + i * Tile::kRowsAtOnce;
      const Pixel pixel = phase.grid.at(index);
      const int h = pixel.h * p_.step, w = pixel.w * p_.step;
      offset_[i] = ((pixel.n * p_.source_h + h) * p_.source_w + w) * p_.depth;
      // A pixel beyond the last reads from outside of any image.
      first_read[i] = {pixel.n, index < phase.grid.count() ? h : kNowhere, w};
      taps_inside_[i] = 0;
    }
#pragma unroll 1
    for (int t = 0; t < phase.taps; ++t) {
      const Tap tap = p_.taps[phase.first_tap + t];
#pragma unroll
      for (int i = 0; i < kPixels; ++i) {
        const bool is_inside = is_below(first_read[i].h + tap.h, p_.source_h) &&
                               is_below(first_read[i].w + tap.w, p_.source_w);
        taps_inside_[i] |= (is_inside ? 1u : 0u) << t;
      }
    }
  }

  __device__ int slices() const {
    return phase_.taps * ((p_.depth + kDepth - 1) / kDepth);
  }

  /// Queues the copies of the next slice.
  __device__ void operator()(unsigned char* stage) {
    const Tap& tap = p_.taps[phase_.first_tap + tap_];
    load_pixels(stage, tap);
    load_weights(stage + Tile::kRows * kRowBytes, tap);
    if (++tap_ < phase_.taps) return;
    tap_ = 0;
    depth_ += kDepth;
  }

 private:
  static constexpr int kNowhere = -(1 << 16);
  static constexpr int kPixels = Tile::kRows / Tile::kRowsAtOnce;

  __device__ void load_pixels(unsigned char* a, const Tap& tap) const {
    const int depth = depth_ + Tile::filled_piece() * kPieceValues;
    const int shift = (tap.h * p_.source_w + tap.w) * p_.depth + depth;
    unsigned char* to = a + piece_offset(Tile::filled_row(), Tile::filled_piece());
#pragma unroll
    for (int i = 0; i < kPixels; ++i) {
      copy_async(to + i * Tile::kRowsAtOnce * kRowBytes, p_.source + (offset_[i] + shift),
                 depth < p_.depth && (taps_inside_[i] >> tap_ & 1u) != 0);
    }
  }

  __device__ void load_weights(unsigned char* b, const Tap& tap) const {
    const int row = Tile::filled_row(), value = Tile::filled_piece() * kPieceValues;
    unsigned char* to = b + piece_offset(row, Tile::filled_piece());
    if constexpr (kWeightsRun == Runs::kAlongDepth) {
      const int channel = first_channel_ + row, depth = depth_ + value;
      const int pitch = p_.kernel_taps * p_.depth;
      const bfloat16* from = p_.weights + (channel * pitch + tap.weights * p_.depth + depth);
#pragma unroll
      for (int i = 0; i < Tile::kColumns; i += Tile::kRowsAtOnce) {
        copy_async(to + i * kRowBytes, from + i * pitch,
                   depth < p_.depth && channel + i < p_.channels);
      }
    } else {
      const int channel = first_channel_ + value, depth = depth_ + row;
      const int pitch = p_.kernel_taps * p_.channels;
      const bfloat16* from = p_.weights + (depth * pitch + tap.weights * p_.channels + channel);
#pragma unroll
      for (int panel = 0; panel < Tile::kColumns; panel += kRowValues) {
#pragma unroll
        for (int i = 0; i < kDepth; i += Tile::kRowsAtOnce) {
          copy_async(to + (panel / kRowValues * kDepth + i) * kRowBytes, from + (i * pitch + panel),
                     depth + i < p_.depth && channel + panel < p_.channels);
        }
      }
    }
  }

  const GatherProblem& p_;
  const Phase& phase_;
  int first_channel_;
  int tap_ = 0, depth_ = 0;        // of the next slice
  int offset_[kPixels];            // of the pixel, in the source
  unsigned taps_inside_[kPixels];  // a bit for each tap that reads from inside of the image
};

/// Rounds the sums and writes them, by way of shared memory so that rows of 128 bytes go out whole.
template <class Tile>
__device__ __forceinline__ void store_tile(const GatherProblem& p, const Phase& phase,
                                           int first_pixel, int first_channel,
                                           const typename Tile::Sums& sums, unsigned char* shared) {
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
#pragma unroll 1
  for (int i = 0; i < Tile::kRows; i += Tile::kRowsAtOnce) {
    const int row = Tile::filled_row() + i, index = first_pixel + row;
    if (index >= phase.grid.count()) break;
    const Pixel pixel = phase.grid.at(index);
    const int out_h = pixel.h * p.out_step + phase.h, out_w = pixel.w * p.out_step + phase.w;
    const int channel = first_channel + Tile::filled_piece() * kPieceValues;
    bfloat16* to = p.out + (((pixel.n * p.out_h + out_h) * p.out_w + out_w) * p.channels + channel);
#pragma unroll
    for (int panel = 0; panel < Tile::kColumns; panel += kRowValues) {
      if (channel + panel >= p.channels) break;
      const unsigned char* piece =
          shared + panel / kRowValues * kPanelBytes + piece_offset(row, Tile::filled_piece());
      store_vec(to + panel,
                load_vec<bfloat16, kPieceValues>(reinterpret_cast<const bfloat16*>(piece)));
    }
  }
}

template <class Tile, Runs kWeightsRun>
__global__ void __launch_bounds__(Tile::kThreads, Tile::kBlocksOnSm)
    conv2d_gather_kernel(GatherProblem p, int column_tiles) {
  const Phase& phase = p.phases[blockIdx.y];
  const int row_tile = blockIdx.x / column_tiles, column_tile = blockIdx.x % column_tiles;
  const int first_pixel = row_tile * Tile::kRows, first_channel = column_tile * Tile::kColumns;
  if (first_pixel >= phase.grid.count()) return;  // the whole block: another phase has more pixels
  unsigned char* shared = Tile::shared();
  GatherLoader<Tile, kWeightsRun> load(p, phase, first_pixel, first_channel);
  typename Tile::Sums sums;
  Tile::template multiply<Runs::kAlongDepth, kWeightsRun>(load.slices(), shared, load, sums);
  store_tile<Tile>(p, phase, first_pixel, first_channel, sums, shared);
}

template <class Tile, Runs kWeightsRun>
void launch_gather(const CudaContext& ctx, const GatherProblem& p) {
  int pixels = 0;
  for (int i = 0; i < p.phase_count; ++i) pixels = std::max(pixels, p.phases[i].grid.count());
  const std::int64_t column_tiles = div_up(p.channels, Tile::kColumns);
  const std::int64_t tiles = div_up(pixels, Tile::kRows) * column_tiles;
  launch(ctx,
         {dim3(static_cast<unsigned>(tiles), static_cast<unsigned>(p.phase_count)),
          dim3(Tile::kThreads), Tile::kSharedBytes},
         conv2d_gather_kernel<Tile, kWeightsRun>, p, static_cast<int>(column_tiles));
}

/// By warp groups, see hopper/; `tiling` is below kGatherGroupTilings.
template <Runs kWeightsRun>
void gather_by_warp_groups(const CudaContext& ctx, int tiling, const GatherProblem& p);

template <Runs kWeightsRun>
void gather_convolution(const CudaContext& ctx, int tiling, const GatherProblem& p) {
  // Two or three blocks share an SM. 64 channels leave no more than one column of tiles, so that
  // only many pixels make a tile large; small ones are for few pixels.
  switch (tiling) {
    case 0:
      return launch_gather<MatrixTile<128, 128, 64, 64, 3, 2>, kWeightsRun>(ctx, p);
    case 1:
      return launch_gather<MatrixTile<256, 64, 64, 64, 2, 2>, kWeightsRun>(ctx, p);
    case 2:
      return launch_gather<MatrixTile<128, 64, 64, 32, 3, 3>, kWeightsRun>(ctx, p);
    case 3:
      return launch_gather<MatrixTile<64, 64, 32, 32, 4, 3>, kWeightsRun>(ctx, p);
    default:
      return gather_by_warp_groups<kWeightsRun>(ctx, tiling - kGatherTilings, p);
  }
}

}  // namespace bptplr::kernels
