// Forward convolution on the tensor cores: y [pixels, k] = gathered x [pixels, taps c] times
// w [k, taps c] transposed. Weights lie along the depth, as they are stored.
//
// The floor: 2 n out_h out_w k c kernel^2 operations at 989 TFLOPS, or x, w and y once. 64 channels
// of 64 images of 32 x 32: 4.8 GFLOP, 5 us; 16.8 MB, 3.5 us of an H200's 4.8 TB/s.
#include "kernels/cuda/conv2d/gather_kernel.cuh"
#include "kernels/cuda/conv2d/tensor_core.hpp"

namespace bptplr::kernels {

bool tensor_cores_can(const Conv2dShape& s) {
  constexpr std::int64_t kLimit =
      std::int64_t{1} << 30;  // of 32-bit numbers, with room for what lies beyond a tile
  const bool kernel = (s.kernel == 3 && s.padding == 1) || (s.kernel == 1 && s.padding == 0);
  return kernel && (s.stride == 1 || s.stride == 2) && s.c % 8 == 0 && s.k % 8 == 0 && s.n > 0 &&
         s.c > 0 && s.k > 0 && s.h > 0 && s.w > 0 && s.n * s.h * s.w * s.c < kLimit &&
         s.n * s.out_h() * s.out_w() * s.k < kLimit && s.weights() < kLimit;
}

bool tensor_cores_are_worth_trying(const Conv2dShape& s) {
  // Operations of a pass: 0.02 us of an H100. What takes less is a matter of launches.
  constexpr std::int64_t kLeastOperations = std::int64_t{1} << 24;
  return tensor_cores_can(s) && 2 * s.n * s.out_h() * s.out_w() * s.weights() >= kLeastOperations;
}

namespace {

GatherProblem forward_problem(const Conv2dShape& s, const bfloat16* x, const bfloat16* w,
                              bfloat16* y) {
  const int kernel = narrow(s.kernel), padding = narrow(s.padding);
  GatherProblem p{};
  p.source = x;
  p.weights = w;
  p.out = y;
  p.source_h = narrow(s.h);
  p.source_w = narrow(s.w);
  p.depth = narrow(s.c);
  p.out_h = narrow(s.out_h());
  p.out_w = narrow(s.out_w());
  p.channels = narrow(s.k);
  p.step = narrow(s.stride);
  p.out_step = 1;
  p.kernel_taps = kernel * kernel;
  for (int t = 0; t < p.kernel_taps; ++t)
    p.taps[t] = {t / kernel - padding, t % kernel - padding, t};
  p.phases[0] = {PixelGrid(narrow(s.n), p.out_h, p.out_w), 0, 0, 0, p.kernel_taps};
  p.phase_count = 1;
  return p;
}

}  // namespace

void tensor_core_forward(const CudaContext& ctx, const Conv2dShape& s, int tiling,
                         const bfloat16* x, const bfloat16* w, bfloat16* y) {
  gather_convolution<GatherPass::kForward>(ctx, tiling, forward_problem(s, x, w, y));
}

void tensor_core_forward_statistics(const CudaContext& ctx, const Conv2dShape& s, int tiling,
                                    std::int64_t groups, const bfloat16* x, const bfloat16* w,
                                    const bfloat16* addend, bfloat16* y, float* mean,
                                    float* variance) {
  GatherProblem p = forward_problem(s, x, w, y);
  p.group_pixels = narrow(s.n / groups * s.out_h() * s.out_w());
  p.addend = addend;
  gather_convolution<GatherPass::kForwardMoments>(ctx, tiling, p, {groups, mean, variance});
}

void tensor_core_forward_normalized(const CudaContext& ctx, const Conv2dShape& s, int tiling,
                                    const bfloat16* x, const bfloat16* w, const bfloat16* addend,
                                    const FixedBatchNorm<float>& norm, bfloat16* sum, bfloat16* y) {
  GatherProblem p = forward_problem(s, x, w, y);
  p.addend = addend;
  p.norm = norm;
  p.sum = sum;
  gather_convolution<GatherPass::kForwardNormalized>(ctx, tiling, p);
}

}  // namespace bptplr::kernels
