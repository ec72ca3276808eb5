#include "kernels/cpu/conv2d/bf16.hpp"

#include <vector>

#include "kernels/bfloat16.hpp"
#include "kernels/cpu/conv2d/level.hpp"
#include "kernels/cpu/conv2d/onednn_conv2d.hpp"
#include "kernels/parallel.hpp"

namespace bptplr::kernels::conv {
namespace {

/// Returns the values as bfloat16 holds them.
std::vector<float> rounded(const float* values, std::int64_t count) {
  std::vector<float> result(static_cast<std::size_t>(count));
  parallel_for(count, kElementGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      result[static_cast<std::size_t>(i)] = static_cast<float>(bfloat16(values[i]));
    }
  });
  return result;
}

std::int64_t inputs(const Conv2dShape& s) {
  return s.n * s.h * s.w * s.c;
}
std::int64_t outputs(const Conv2dShape& s) {
  return s.n * s.out_h() * s.out_w() * s.k;
}

CpuContext in_float32(const CpuContext& ctx) {
  return {ctx.workspace};
}

}  // namespace

void bf16_forward(const CpuContext& ctx, const Conv2dShape& s, const float* x, const float* w,
                  float* y) {
  if (has_bf16_instructions()) {
    return onednn::convolve_forward(ctx, onednn::Factors::kBfloat16, s, x, w, y);
  }
  conv2d_forward(in_float32(ctx), s, rounded(x, inputs(s)).data(), rounded(w, s.weights()).data(),
                 y);
}

void bf16_backward_data(const CpuContext& ctx, const Conv2dShape& s, const float* dy,
                        const float* w, float* dx) {
  if (has_bf16_instructions()) {
    return onednn::convolve_backward_data(ctx, onednn::Factors::kBfloat16, s, dy, w, dx);
  }
  conv2d_backward_data(in_float32(ctx), s, rounded(dy, outputs(s)).data(),
                       rounded(w, s.weights()).data(), dx);
}

void bf16_backward_weights(const CpuContext& ctx, const Conv2dShape& s, const float* x,
                           const float* dy, float* dw) {
  if (has_bf16_instructions()) {
    return onednn::convolve_backward_weights(ctx, onednn::Factors::kBfloat16, s, x, dy, dw);
  }
  conv2d_backward_weights(in_float32(ctx), s, rounded(x, inputs(s)).data(),
                          rounded(dy, outputs(s)).data(), dw, nullptr);
}

}  // namespace bptplr::kernels::conv
