// Convolution on the CPU: Winograd or direct, by the shape.
#include "kernels/conv2d.hpp"

#include <algorithm>

#include "kernels/cpu/conv2d/bf16.hpp"
#include "kernels/cpu/conv2d/convolve.hpp"
#include "kernels/cpu/conv2d/direct.hpp"
#include "kernels/cpu/conv2d/winograd.hpp"

namespace bptplr::kernels {
namespace conv {

bool is_empty(const Conv2dShape& s) {
  return s.n == 0 || s.out_h() <= 0 || s.out_w() <= 0 || s.c == 0 || s.k == 0;
}

std::int64_t parts(const Conv2dShape& shape, std::int64_t groups) {
  return prefers_winograd(shape) ? winograd_parts(shape, groups) : direct_parts(shape, groups);
}

void forward(const CpuContext& ctx, const Conv2dShape& shape, const float* x, const float* w,
             float* y, Scratch& scratch, const Epilogue& epilogue) {
  if (prefers_winograd(shape)) {
    winograd_forward(ctx, shape, x, w, y, scratch, epilogue);
  } else {
    direct_forward(ctx, shape, x, w, y, scratch, epilogue);
  }
}

}  // namespace conv

template <>
void conv2d_forward(const CpuContext& ctx, const Conv2dShape& shape, const float* x, const float* w,
                    float* y) {
  if (conv::is_empty(shape)) return;
  if (ctx.bf16_products) return conv::bf16_forward(ctx, shape, x, w, y);
  conv::Scratch scratch;
  conv::forward(ctx, shape, x, w, y, scratch, {});
}

template <>
void conv2d_backward_data(const CpuContext& ctx, const Conv2dShape& shape, const float* dy,
                          const float* w, float* dx) {
  if (conv::is_empty(shape)) {
    std::fill_n(dx, shape.n * shape.h * shape.w * shape.c, 0.0F);
  } else if (ctx.bf16_products) {
    conv::bf16_backward_data(ctx, shape, dy, w, dx);
  } else if (conv::prefers_winograd(shape)) {
    conv::winograd_backward_data(ctx, shape, dy, w, dx);
  } else {
    conv::direct_backward_data(ctx, shape, dy, w, dx);
  }
}

template <>
void conv2d_backward_weights(const CpuContext& ctx, const Conv2dShape& shape, const float* x,
                             const float* dy, float* dw, float* /*dw_scratch*/) {
  if (conv::is_empty(shape)) {
    std::fill_n(dw, shape.weights(), 0.0F);
  } else if (ctx.bf16_products) {
    conv::bf16_backward_weights(ctx, shape, x, dy, dw);
  } else if (conv::prefers_winograd(shape)) {
    conv::winograd_backward_weights(ctx, shape, x, dy, dw);
  } else {
    conv::direct_backward_weights(ctx, shape, x, dy, dw);
  }
}

}  // namespace bptplr::kernels
