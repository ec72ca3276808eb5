// The kernel of forward convolutions and data gradients, and the tilings it is compiled for.
#pragma once

#include <algorithm>

#include "kernels/cuda/conv2d/gather_store.cuh"
#include "kernels/cuda/conv2d/tensor_core.hpp"
#include "kernels/cuda/runtime/launch.hpp"

namespace bptplr::kernels {

template <class Tile, GatherPass kPass>
__global__ void __launch_bounds__(Tile::kThreads, Tile::kBlocksOnSm)
    conv2d_gather_kernel(GatherProblem p, int column_tiles) {
  const Phase& phase = p.phases[blockIdx.y];
  const int row_tile = blockIdx.x / column_tiles, column_tile = blockIdx.x % column_tiles;
  const int first_channel = column_tile * Tile::kColumns;
  const PixelRange pixels = pixels_of_tile<Tile, kPass>(p, phase, row_tile);
  if (pixels.first >= pixels.end) return;  // the whole block: another phase has more pixels
  unsigned char* shared = Tile::shared();
  GatherLoader<Tile, kPass> load(p, phase, pixels, first_channel);
  typename Tile::Sums sums;
  Tile::template multiply<Runs::kAlongDepth, kWeightsRun<kPass>>(load.slices(), shared, load, sums);
  if constexpr (kPass == GatherPass::kForwardMoments) {
    store_with_moments<Tile>(p, row_tile, pixels, first_channel, sums, shared);
  } else if constexpr (kPass == GatherPass::kForwardNormalized) {
    store_normalized<Tile>(p, pixels, first_channel, sums, shared);
  } else {
    store_tile<Tile>(p, phase, pixels, first_channel, sums, shared);
  }
}

/// Where the statistics of kForwardMoments go: mean and variance [groups, channels].
struct GatherStatistics {
  std::int64_t groups;
  float* mean;
  float* variance;
};

template <class Tile, GatherPass kPass>
void launch_gather(const CudaContext& ctx, GatherProblem p, const GatherStatistics& statistics) {
  constexpr bool kMoments = kPass == GatherPass::kForwardMoments;
  std::int64_t row_tiles = 0;
  if constexpr (kMoments) {
    p.chunks = narrow(div_up(p.group_pixels, Tile::kRows));
    row_tiles = statistics.groups * p.chunks;
    p.moments = ctx.scratch<float>(row_tiles * 2 * p.channels);
  } else {
    for (int i = 0; i < p.phase_count; ++i) {
      row_tiles = std::max(row_tiles, div_up(p.phases[i].grid.count(), Tile::kRows));
    }
  }
  const std::int64_t column_tiles = div_up(p.channels, Tile::kColumns);
  launch(
      ctx,
      {dim3(static_cast<unsigned>(row_tiles * column_tiles), static_cast<unsigned>(p.phase_count)),
       dim3(Tile::kThreads), Tile::kSharedBytes},
      conv2d_gather_kernel<Tile, kPass>, p, static_cast<int>(column_tiles));
  if constexpr (kMoments) {
    const RowChunks chunks{p.group_pixels, Tile::kRows, p.chunks, p.channels};
    combine_moments(ctx, statistics.groups, chunks, p.moments, statistics.mean,
                    statistics.variance);
  }
}

/// By warp groups, see hopper/; `tiling` is below kGatherGroupTilings.
template <GatherPass kPass>
void gather_by_warp_groups(const CudaContext& ctx, int tiling, const GatherProblem& p,
                           const GatherStatistics& statistics);

template <GatherPass kPass>
void gather_convolution(const CudaContext& ctx, int tiling, const GatherProblem& p,
                        const GatherStatistics& statistics = {}) {
  // Two or three blocks share an SM. 64 channels leave no more than one column of tiles, so that
  // only many pixels make a tile large; small ones are for few pixels.
  switch (tiling) {
    case 0:
      return launch_gather<MatrixTile<128, 128, 64, 64, 3, 2>, kPass>(ctx, p, statistics);
    case 1:
      return launch_gather<MatrixTile<256, 64, 64, 64, 2, 2>, kPass>(ctx, p, statistics);
    case 2:
      return launch_gather<MatrixTile<128, 64, 64, 32, 3, 3>, kPass>(ctx, p, statistics);
    case 3:
      return launch_gather<MatrixTile<64, 64, 32, 32, 4, 3>, kPass>(ctx, p, statistics);
    default:
      return gather_by_warp_groups<kPass>(ctx, tiling - kGatherTilings, p, statistics);
  }
}

}  // namespace bptplr::kernels
