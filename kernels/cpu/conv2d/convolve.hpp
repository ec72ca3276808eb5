// A forward pass by Winograd or directly, with work on its parts.
#pragma once

#include "kernels/conv2d.hpp"
#include "kernels/cpu/conv2d/epilogue.hpp"
#include "kernels/cpu/conv2d/scratch.hpp"

namespace bptplr::kernels::conv {

/// Returns whether there is nothing to compute.
bool is_empty(const Conv2dShape& shape);

/// Returns the parts of each group that an epilogue sees.
std::int64_t parts(const Conv2dShape& shape, std::int64_t groups);

/// conv2d_forward of a shape that is not empty. `scratch` may hold parts of the caller's, and is
/// reserved here, before the epilogue's first call.
void forward(const CpuContext& ctx, const Conv2dShape& shape, const float* x, const float* w,
             float* y, Scratch& scratch, const Epilogue& epilogue);

}  // namespace bptplr::kernels::conv
