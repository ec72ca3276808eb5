// Convolutions whose factors are rounded to bfloat16: by oneDNN where the processor multiplies
// these, else by rounding them and convolving in float32, which gives the same sums in another
// order.
#pragma once

#include "kernels/conv2d.hpp"

namespace bptplr::kernels::conv {

/// conv2d_forward, conv2d_backward_data and conv2d_backward_weights; operands are float32.
void bf16_forward(const CpuContext& ctx, const Conv2dShape& shape, const float* x, const float* w,
                  float* y);
void bf16_backward_data(const CpuContext& ctx, const Conv2dShape& shape, const float* dy,
                        const float* w, float* dx);
void bf16_backward_weights(const CpuContext& ctx, const Conv2dShape& shape, const float* x,
                           const float* dy, float* dw);

}  // namespace bptplr::kernels::conv
