// Direct convolutions, as products whose rows are windows of a padded image: the taps of one row of
// a filter and their channels are neighbours in memory, so nothing is copied together.
#pragma once

#include "kernels/conv2d.hpp"
#include "kernels/cpu/conv2d/epilogue.hpp"
#include "kernels/cpu/conv2d/scratch.hpp"

namespace bptplr::kernels::conv {

/// Returns the parts of each group that an epilogue sees.
std::int64_t direct_parts(const Conv2dShape& shape, std::int64_t groups);

/// conv2d_forward. `scratch` may hold parts of the caller's, and is reserved here.
void direct_forward(const CpuContext& ctx, const Conv2dShape& shape, const float* x, const float* w,
                    float* y, Scratch& scratch, const Epilogue& epilogue);
/// conv2d_backward_data.
void direct_backward_data(const CpuContext& ctx, const Conv2dShape& shape, const float* dy,
                          const float* w, float* dx);
/// conv2d_backward_weights.
void direct_backward_weights(const CpuContext& ctx, const Conv2dShape& shape, const float* x,
                             const float* dy, float* dw);

}  // namespace bptplr::kernels::conv
