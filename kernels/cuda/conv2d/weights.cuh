// Weight gradient of a convolution on the tensor cores, in float32: dw [k, taps c] = dy [pixels, k]
// transposed times gathered x [pixels, taps c], summed over the output pixels of all images.
//
// The depth of the product is pixels, as they are stored, so both operands lie across it and are
// transposed on their way to the registers. Columns are cut into panels of 64 channels at a tap; a
// tile has one to three of them, which for three are a row of a 3 x 3 kernel and share most of what
// they read. The product is small (576 x 64 to 4,608 x 512) and deep (65,536 pixels for 64 images
// of 32 x 32), so pixels are cut into parts, as many as fill the GPU, each part's sums are written
// to the workspace, and a second kernel adds them in a fixed order. Into how many depends on the
// problem and the tiling and not on the GPU, and so do the bits of the result.
//
// The floor: 2 n out_h out_w k c kernel^2 operations, as in the other passes; dy and x once. The
// parts (17 MB for 264 tiles of 64 KiB) are written to and read from L2.
#pragma once

#include "kernels/cuda/conv2d/pixels.cuh"
#include "kernels/cuda/conv2d/tensor_core.hpp"
#include "kernels/cuda/device/matrix_tile.cuh"
#include "kernels/cuda/runtime/launch.hpp"

namespace bptplr::kernels {

struct WeightsProblem {
  const bfloat16* x;   // [n, x_h, x_w, c]
  const bfloat16* dy;  // [pixels, k]
  float* sums;         // [parts, k, taps, c]
  PixelGrid grid;      // output pixels
  int x_h, x_w, c, k;
  int kernel, stride, padding;
  int row_tiles, column_tiles;
  int pixels_a_part;

  __host__ __device__ int taps() const { return kernel * kernel; }
  __host__ __device__ int panels() const { return (c + kRowValues - 1) / kRowValues * taps(); }
};

/// 64 columns of dw: channels at a tap.
struct Panel {
  int tap, channel;

  __device__ Panel(const WeightsProblem& p, int number)
      : tap(number % p.taps()), channel(number / p.taps() * kRowValues) {}
};

/// Brings the slices of a block's tile to shared memory: pixels first..end - 1.
template <class Tile>
class WeightsLoader {
 public:
  __device__ WeightsLoader(const WeightsProblem& problem, int first_row, int first_panel, int first,
                           int end)
      : p_(problem), row_(first_row + value()), pixel_(first + Tile::filled_row()), end_(end) {
#pragma unroll
    for (int i = 0; i < kPanels; ++i) {
      const Panel panel(p_, first_panel + i);
      tap_h_[i] = panel.tap / p_.kernel - p_.padding;
      tap_w_[i] = panel.tap % p_.kernel - p_.padding;
      channel_[i] = panel.channel + value();
    }
  }

  /// Queues the copies of the next slice.
  __device__ void operator()(unsigned char* stage) {
    unsigned char* a = stage + piece_offset(Tile::filled_row(), Tile::filled_piece());
    unsigned char* b = a + Tile::kRows * kRowBytes;
#pragma unroll
    for (int i = 0; i < kDepth; i += Tile::kRowsAtOnce) {
      load_gradient(a + i * kRowBytes, pixel_ + i);
      load_input(b + i * kRowBytes, pixel_ + i);
    }
    pixel_ += kDepth;
  }

 private:
  static constexpr int kPanels = Tile::kColumns / kRowValues;
  static constexpr int kPanelBytes = kDepth * kRowBytes;

  static __device__ int value() {
    return Tile::filled_piece() * kPieceValues;
  }

  __device__ void load_gradient(unsigned char* to, int index) const {
#pragma unroll
    for (int row = 0; row < Tile::kRows; row += kRowValues) {
      copy_async(to + row / kRowValues * kPanelBytes, p_.dy + (index * p_.k + row_ + row),
                 index < end_ && row_ + row < p_.k);
    }
  }

  __device__ void load_input(unsigned char* to, int index) const {
    const Pixel pixel = p_.grid.at(index);
    const int h = pixel.h * p_.stride, w = pixel.w * p_.stride;
#pragma unroll
    for (int i = 0; i < kPanels; ++i) {
      const int at_h = h + tap_h_[i], at_w = w + tap_w_[i];
      const int offset = ((pixel.n * p_.x_h + at_h) * p_.x_w + at_w) * p_.c + channel_[i];
      copy_async(
          to + i * kPanelBytes, p_.x + offset,
          index < end_ && is_below(at_h, p_.x_h) && is_below(at_w, p_.x_w) && channel_[i] < p_.c);
    }
  }

  const WeightsProblem& p_;
  int row_;          // of dw, of the thread's piece
  int pixel_, end_;  // of the next slice, of the part
  int tap_h_[kPanels], tap_w_[kPanels], channel_[kPanels];
};

/// Four lanes write 32 bytes: whole sectors, which is all that L2 asks for.
template <class Tile>
__device__ __forceinline__ void store_sums(const WeightsProblem& p, int part, int first_row,
                                           int first_panel, const typename Tile::Sums& sums) {
  const int lane = threadIdx.x % kWarp;
  const std::int64_t weights = static_cast<std::int64_t>(p.k) * p.taps() * p.c;
#pragma unroll
  for (int j = 0; j < Tile::kWarpColumns / 8; ++j) {
    const int column = Tile::warp_column() + 8 * j;
    const Panel panel(p, first_panel + column / kRowValues);
    const int channel = panel.channel + column % kRowValues + lane % 4 * 2;
    if (channel >= p.c) continue;
#pragma unroll
    for (int i = 0; i < Tile::kWarpRows / 8; ++i) {
      const int row = first_row + Tile::warp_row() + 8 * i + lane / 4;
      if (row >= p.k) continue;
      const float* pair = sums[i / 2][j] + i % 2 * 2;
      store_vec(p.sums + part * weights + ((row * p.taps() + panel.tap) * p.c + channel),
                Vec<float, 2>{{pair[0], pair[1]}});
    }
  }
}

template <class Tile>
__global__ void __launch_bounds__(Tile::kThreads, Tile::kBlocksOnSm)
    conv2d_weights_kernel(WeightsProblem p) {
  // Blocks that follow each other have the same pixels.
  const int row_tile = blockIdx.x % p.row_tiles;
  const int column_tile = blockIdx.x / p.row_tiles % p.column_tiles;
  const int part = blockIdx.x / p.row_tiles / p.column_tiles;
  const int first_row = row_tile * Tile::kRows;
  const int first_panel = column_tile * (Tile::kColumns / kRowValues);
  const int first = part * p.pixels_a_part;
  const int end = min(first + p.pixels_a_part, p.grid.count());
  WeightsLoader<Tile> load(p, first_row, first_panel, first, end);
  typename Tile::Sums sums;
  Tile::template multiply<Runs::kAcrossDepth, Runs::kAcrossDepth>(
      (end - first + kDepth - 1) / kDepth, Tile::shared(), load, sums);
  store_sums<Tile>(p, part, first_row, first_panel, sums);
}

/// How many slices of each tile go into a part.
std::int64_t slices_a_part(std::int64_t tiles, std::int64_t slices);
/// dw = the sum of the parts.
void add_parts(const CudaContext& ctx, std::int64_t weights, std::int64_t parts, const float* sums,
               float* dw);

template <class Tile>
void weights_gradient(const CudaContext& ctx, WeightsProblem p, std::int64_t weights, float* dw) {
  p.row_tiles = narrow(div_up(p.k, Tile::kRows));
  p.column_tiles = narrow(div_up(p.panels(), Tile::kColumns / kRowValues));
  const std::int64_t tiles = std::int64_t{p.row_tiles} * p.column_tiles;
  p.pixels_a_part = narrow(slices_a_part(tiles, div_up(p.grid.count(), kDepth))) * kDepth;
  const std::int64_t parts = div_up(p.grid.count(), p.pixels_a_part);
  p.sums = parts == 1 ? dw : ctx.scratch<float>(parts * weights);
  launch(ctx,
         {dim3(static_cast<unsigned>(tiles * parts)), dim3(Tile::kThreads), Tile::kSharedBytes},
         conv2d_weights_kernel<Tile>, p);
  if (parts > 1) add_parts(ctx, weights, parts, p.sums, dw);
}

/// By warp groups, see hopper/; `tiling` is below kWeightsGroupTilings.
void weights_by_warp_groups(const CudaContext& ctx, int tiling, const WeightsProblem& p,
                            std::int64_t weights, float* dw);

}  // namespace bptplr::kernels
