// Data gradient of a convolution on the tensor cores: dx [pixels, c] = gathered dy [pixels, taps k]
// times w [taps k, c]. An input pixel h is met by tap r if h + padding - r = stride p for an output
// pixel p; for stride 2 that depends on the parity of h, so there are four phases of pixels (1, 2,
// 2 and 4 taps for 3 x 3; for 1 x 1, three that are only filled with zeros). Weights lie across the
// depth, as they are stored, and are transposed on their way to the registers.
//
// The floor is that of forward.cu: the same operations, dy, w and dx once.
#include "kernels/cuda/conv2d/gather_kernel.cuh"
#include "kernels/cuda/conv2d/tensor_core.hpp"

namespace bptplr::kernels {
namespace {

/// Adds the phase of the input pixels (h, w) modulo the stride, and its taps behind the tap_count
/// that are there.
void add_phase(const Conv2dShape& s, int h, int w, int& tap_count, GatherProblem& p) {
  const int kernel = narrow(s.kernel), stride = narrow(s.stride), padding = narrow(s.padding);
  const auto pixels = [&](std::int64_t size, int first) {
    return narrow((size - first + stride - 1) / stride);
  };
  Phase& phase = p.phases[p.phase_count++];
  phase = {PixelGrid(narrow(s.n), pixels(s.h, h), pixels(s.w, w)), h, w, tap_count, 0};
  for (int t = 0; t < kernel * kernel; ++t) {
    const int from_h = h + padding - t / kernel, from_w = w + padding - t % kernel;
    if (from_h % stride != 0 || from_w % stride != 0) continue;
    p.taps[tap_count++] = {from_h / stride, from_w / stride, t};
    ++phase.taps;
  }
}

}  // namespace

void tensor_core_backward_data(const CudaContext& ctx, const Conv2dShape& s, int tiling,
                               const bfloat16* dy, const bfloat16* w, bfloat16* dx) {
  GatherProblem p{};
  p.source = dy;
  p.weights = w;
  p.out = dx;
  p.source_h = narrow(s.out_h());
  p.source_w = narrow(s.out_w());
  p.depth = narrow(s.k);
  p.out_h = narrow(s.h);
  p.out_w = narrow(s.w);
  p.channels = narrow(s.c);
  p.step = 1;
  p.out_step = narrow(s.stride);
  p.kernel_taps = narrow(s.kernel * s.kernel);
  // Those with the most taps come first, so that short blocks fill the gaps at the end.
  int tap_count = 0;
  for (int h = p.out_step - 1; h >= 0; --h) {
    for (int column = p.out_step - 1; column >= 0; --column) add_phase(s, h, column, tap_count, p);
  }
  gather_convolution<GatherPass::kBackwardData>(ctx, tiling, p);
}

}  // namespace bptplr::kernels
