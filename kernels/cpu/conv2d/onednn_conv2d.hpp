// Convolution by oneDNN: in bfloat16, and in float32 to compare our own kernels with.
#pragma once

#include "kernels/conv2d.hpp"

namespace bptplr::kernels::onednn {

/// Type to which the two factors of a convolution are rounded; sums and results are float32.
enum class Factors { kFloat32, kBfloat16 };

/// conv2d_forward, conv2d_backward_data and conv2d_backward_weights. Throws std::runtime_error
/// where oneDNN has no such convolution for the processor.
void convolve_forward(const CpuContext& ctx, Factors factors, const Conv2dShape& shape,
                      const float* x, const float* w, float* y);
void convolve_backward_data(const CpuContext& ctx, Factors factors, const Conv2dShape& shape,
                            const float* dy, const float* w, float* dx);
void convolve_backward_weights(const CpuContext& ctx, Factors factors, const Conv2dShape& shape,
                               const float* x, const float* dy, float* dw);

}  // namespace bptplr::kernels::onednn
