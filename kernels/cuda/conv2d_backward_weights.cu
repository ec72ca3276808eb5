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
#include "kernels/cuda/conv2d_pixels.cuh"
#include "kernels/cuda/conv2d_tensor_core.hpp"
#include "kernels/cuda/launch.hpp"
#include "kernels/cuda/matrix_tile.cuh"

namespace bptplr::kernels {
namespace {

constexpr int kBlocks = 2 * 132;  // that an H200 runs at a time
constexpr int kMostWaves = 4;     // of blocks
constexpr int kStoreSlices =
    3;  // that take as long as a tile of sums takes to be written and added
constexpr int kAddWarps = 8;

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
  multiply<Tile, Runs::kAcrossDepth, Runs::kAcrossDepth>(
      (end - first + kDepth - 1) / kDepth, dynamic_shared<unsigned char>(), load, sums);
  store_sums<Tile>(p, part, first_row, first_panel, sums);
}

/// dw [weights] = the sum of the parts. A lane has four values, a warp every kAddWarps-th part, so
/// that many loads are in flight for the few weights of the layers with many parts.
__global__ void __launch_bounds__(kAddWarps* kWarp)
    conv2d_add_parts_kernel(std::int64_t weights, int parts, const float* sums, float* dw) {
  using Sum = Vec<float, 4>;
  __shared__ Sum partial[kAddWarps][kWarp];
  const int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
  const std::int64_t i = (static_cast<std::int64_t>(blockIdx.x) * kWarp + lane) * 4;
  const auto add = [](Sum& sum, const Sum& more) {
    for (int v = 0; v < 4; ++v) sum.v[v] += more.v[v];
  };
  Sum sum{};
  if (i < weights) {
#pragma unroll 8
    for (int part = warp; part < parts; part += kAddWarps) {
      add(sum, load_vec<float, 4>(sums + part * weights + i));
    }
  }
  partial[warp][lane] = sum;
  __syncthreads();
  if (warp > 0 || i >= weights) return;
  for (int w = 1; w < kAddWarps; ++w) add(sum, partial[w][lane]);
  store_vec(dw + i, sum);
}

/// How many slices of each tile go into a part, so that the blocks, in waves of kBlocks, are done
/// soonest.
std::int64_t slices_a_part(std::int64_t tiles, std::int64_t slices) {
  std::int64_t best = slices, best_time = div_up(tiles, kBlocks) * slices;
  for (std::int64_t parts = 2; parts <= slices && tiles * parts <= kMostWaves * kBlocks; ++parts) {
    const std::int64_t each = div_up(slices, parts);
    const std::int64_t time = div_up(tiles * parts, kBlocks) * (each + kStoreSlices);
    if (time >= best_time) continue;
    best_time = time;
    best = each;
  }
  return best;
}

template <class Tile>
void backward_weights(const CudaContext& ctx, WeightsProblem p, std::int64_t weights, float* dw) {
  p.row_tiles = narrow(div_up(p.k, Tile::kRows));
  p.column_tiles = narrow(div_up(p.panels(), Tile::kColumns / kRowValues));
  const std::int64_t tiles = std::int64_t{p.row_tiles} * p.column_tiles;
  p.pixels_a_part = narrow(slices_a_part(tiles, div_up(p.grid.count(), kDepth))) * kDepth;
  const std::int64_t parts = div_up(p.grid.count(), p.pixels_a_part);
  p.sums = parts == 1 ? dw : ctx.scratch<float>(parts * weights);
  launch(ctx,
         {dim3(static_cast<unsigned>(tiles * parts)), dim3(Tile::kThreads), Tile::kSharedBytes},
         conv2d_weights_kernel<Tile>, p);
  if (parts == 1) return;
  launch(ctx, {dim3(static_cast<unsigned>(div_up(weights, 4 * kWarp))), dim3(kAddWarps * kWarp)},
         conv2d_add_parts_kernel, weights, narrow(parts), p.sums, dw);
}

}  // namespace

void tensor_core_backward_weights(const CudaContext& ctx, const Conv2dShape& s, int tiling,
                                  const bfloat16* x, const bfloat16* dy, float* dw) {
  WeightsProblem p{};
  p.x = x;
  p.dy = dy;
  p.grid = PixelGrid(narrow(s.n), narrow(s.out_h()), narrow(s.out_w()));
  p.x_h = narrow(s.h);
  p.x_w = narrow(s.w);
  p.c = narrow(s.c);
  p.k = narrow(s.k);
  p.kernel = narrow(s.kernel);
  p.stride = narrow(s.stride);
  p.padding = narrow(s.padding);
  switch (tiling) {
    case 0:
      return backward_weights<MatrixTile<128, 128, 64, 64, 3, 2>>(ctx, p, s.weights(), dw);
    case 1:
      return backward_weights<MatrixTile<64, 192, 64, 48, 3, 2>>(ctx, p, s.weights(), dw);
    default:
      return backward_weights<MatrixTile<64, 64, 32, 32, 4, 3>>(ctx, p, s.weights(), dw);
  }
}

}  // namespace bptplr::kernels
