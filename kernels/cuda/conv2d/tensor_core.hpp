// Convolutions by our own kernels on the tensor cores (sm_80 and newer), behind conv2d.hpp:
// bfloat16 in, float32 sums, 3 x 3 kernels padded by 1 and 1 x 1 kernels, stride 1 or 2.
#pragma once

#include "kernels/bfloat16.hpp"
#include "kernels/context.hpp"
#include "kernels/conv2d_batch_norm.hpp"

namespace bptplr::kernels {

/// Whether they can: channels are multiples of 8, the kernel is one of the above, arrays have fewer
/// than 2^30 values, none is empty. Arrays must be aligned to 16 bytes.
bool tensor_cores_can(const Conv2dShape& shape);
/// Whether they can, and a pass takes long enough that it matters who does it.
bool tensor_cores_are_worth_trying(const Conv2dShape& shape);

/// The ways to divide the work of a pass among blocks: which is the fastest depends on the shape
/// and on the GPU. Forward and data gradient have the same bits with each.
inline constexpr int kGatherTilings = 4;
inline constexpr int kWeightsTilings = 3;
/// More of them, by the instructions of Hopper for groups of four warps (wgmma), numbered behind
/// the others; the tensor cores may round their sums otherwise.
inline constexpr int kGatherGroupTilings = 2;
inline constexpr int kWeightsGroupTilings = 2;

/// Whether warp groups can be used: the GPU is a Hopper (compute capability 9.0), and what they
/// compute agrees with the other tilings on a small problem, which is tried at the first call. So
/// a GPU on which they err trains with the others.
bool warp_groups_can(const CudaContext& ctx);
/// How many tilings there are on this GPU.
int gather_tilings(const CudaContext& ctx);
int weights_tilings(const CudaContext& ctx);

/// `tiling` is below gather_tilings().
void tensor_core_forward(const CudaContext& ctx, const Conv2dShape& shape, int tiling,
                         const bfloat16* x, const bfloat16* w, bfloat16* y);
/// See conv2d_batch_norm.hpp. Arrays of activations are aligned to 16 bytes, too.
void tensor_core_forward_statistics(const CudaContext& ctx, const Conv2dShape& shape, int tiling,
                                    std::int64_t groups, const bfloat16* x, const bfloat16* w,
                                    const bfloat16* addend, bfloat16* y, float* mean,
                                    float* variance);
void tensor_core_forward_normalized(const CudaContext& ctx, const Conv2dShape& shape, int tiling,
                                    const bfloat16* x, const bfloat16* w, const bfloat16* addend,
                                    const FixedBatchNorm<float>& norm, bfloat16* sum, bfloat16* y);
void tensor_core_backward_data(const CudaContext& ctx, const Conv2dShape& shape, int tiling,
                               const bfloat16* dy, const bfloat16* w, bfloat16* dx);
/// dw in float32; ctx's workspace holds partial sums. `tiling` is below weights_tilings().
void tensor_core_backward_weights(const CudaContext& ctx, const Conv2dShape& shape, int tiling,
                                  const bfloat16* x, const bfloat16* dy, float* dw);

}  // namespace bptplr::kernels
