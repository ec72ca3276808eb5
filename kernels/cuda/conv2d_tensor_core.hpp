// Convolutions by our own kernels on the tensor cores (sm_80 and newer), behind conv2d.hpp:
// bfloat16 in, float32 sums, 3 x 3 kernels padded by 1 and 1 x 1 kernels, stride 1 or 2.
#pragma once

#include "kernels/bfloat16.hpp"
#include "kernels/context.hpp"
#include "kernels/conv2d.hpp"

namespace bptplr::kernels {

/// Whether they can: channels are multiples of 8, the kernel is one of the above, arrays have fewer
/// than 2^30 values, none is empty. Arrays must be aligned to 16 bytes.
bool tensor_cores_can(const Conv2dShape& shape);

/// The ways to divide the work of a pass among blocks: which is the fastest depends on the shape
/// and on the GPU. Forward and data gradient have the same bits with each.
inline constexpr int kGatherTilings = 4;
inline constexpr int kWeightsTilings = 3;

/// `tiling` is below kGatherTilings.
void tensor_core_forward(const CudaContext& ctx, const Conv2dShape& shape, int tiling,
                         const bfloat16* x, const bfloat16* w, bfloat16* y);
void tensor_core_backward_data(const CudaContext& ctx, const Conv2dShape& shape, int tiling,
                               const bfloat16* dy, const bfloat16* w, bfloat16* dx);
/// dw in float32; ctx's workspace holds partial sums. `tiling` is below kWeightsTilings.
void tensor_core_backward_weights(const CudaContext& ctx, const Conv2dShape& shape, int tiling,
                                  const bfloat16* x, const bfloat16* dy, float* dw);

}  // namespace bptplr::kernels
