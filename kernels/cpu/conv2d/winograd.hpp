// 3x3 convolutions with stride 1 by Winograd's minimal filtering: 36 multiplications where direct
// convolution needs 144 (F(4x4, 3x3)), or 16 for 36 (F(2x2, 3x3)) where images are that small.
#pragma once

#include <cstdint>

#include "kernels/conv2d.hpp"
#include "kernels/cpu/conv2d/epilogue.hpp"
#include "kernels/cpu/conv2d/scratch.hpp"

namespace bptplr::kernels::conv {

/// Returns whether Winograd is faster than direct convolution: a fixed rule of the shape, so that
/// every run gives the same bits.
bool prefers_winograd(const Conv2dShape& shape);

/// Returns the parts of each group that an epilogue sees.
std::int64_t winograd_parts(const Conv2dShape& shape, std::int64_t groups);

/// conv2d_forward. `scratch` may hold parts of the caller's, and is reserved here.
void winograd_forward(const CpuContext& ctx, const Conv2dShape& shape, const float* x,
                      const float* w, float* y, Scratch& scratch, const Epilogue& epilogue);
/// conv2d_backward_data: the convolution of dy with the filters turned around.
void winograd_backward_data(const CpuContext& ctx, const Conv2dShape& shape, const float* dy,
                            const float* w, float* dx);
/// conv2d_backward_weights.
void winograd_backward_weights(const CpuContext& ctx, const Conv2dShape& shape, const float* x,
                               const float* dy, float* dw);

}  // namespace bptplr::kernels::conv
