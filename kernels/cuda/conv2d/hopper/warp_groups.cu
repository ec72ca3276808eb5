// The convolutions of gather.cuh and weights.cuh by warp groups. Compiled for sm_90a
// alone: who calls it has asked warp_groups_can().
//
// The floor is theirs. A warp group of 64 rows and 128 columns takes 64 cycles for 16 of the depth,
// in which it reads 6 KiB of shared memory, 96 of the 128 bytes that there are in a cycle; with 64
// columns it takes all of them.
#include "kernels/cuda/conv2d/gather_kernel.cuh"
#include "kernels/cuda/conv2d/hopper/warp_group_tile.cuh"
#include "kernels/cuda/conv2d/weights.cuh"

namespace bptplr::kernels {

template <GatherPass kPass>
void gather_by_warp_groups(const CudaContext& ctx, int tiling, const GatherProblem& p,
                           const GatherStatistics& statistics) {
  if (tiling == 0) return launch_gather<WarpGroupTile<128, 128, 3, 2>, kPass>(ctx, p, statistics);
  launch_gather<WarpGroupTile<128, 64, 4, 2>, kPass>(ctx, p, statistics);
}

#define BPTPLR_INSTANTIATE(kPass)                                                           \
  template void gather_by_warp_groups<kPass>(const CudaContext&, int, const GatherProblem&, \
                                             const GatherStatistics&);
BPTPLR_INSTANTIATE(GatherPass::kForward)
BPTPLR_INSTANTIATE(GatherPass::kForwardMoments)
BPTPLR_INSTANTIATE(GatherPass::kForwardNormalized)
BPTPLR_INSTANTIATE(GatherPass::kBackwardData)
#undef BPTPLR_INSTANTIATE

void weights_by_warp_groups(const CudaContext& ctx, int tiling, const WeightsProblem& p,
                            std::int64_t weights, float* dw) {
  if (tiling == 0) return weights_gradient<WarpGroupTile<128, 128, 3, 2>>(ctx, p, weights, dw);
  weights_gradient<WarpGroupTile<64, 128, 3, 3>>(ctx, p, weights, dw);
}

}  // namespace bptplr::kernels
