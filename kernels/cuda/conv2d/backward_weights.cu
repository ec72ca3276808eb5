// Weight gradient of a convolution: into how many parts the pixels are cut, and their sum; the rest
// is in weights.cuh.
#include "kernels/cuda/conv2d/weights.cuh"

namespace bptplr::kernels {
namespace {

/// That an H200 runs at a time. Every GPU counts with it: the order of the sums follows from it.
constexpr int kBlocks = 2 * 132;
constexpr int kMostWaves = 4;  // of blocks
constexpr int kStoreSlices =
    3;  // that take as long as a tile of sums takes to be written and added
constexpr int kAddWarps = 8;

/// dw [weights] = the sum of the parts. A lane has four values, a warp every kAddWarps-th part, so
/// that many loads are in flight for the few weights of the layers with many parts.
__global__ void __launch_bounds__(kAddWarps* kWarp)
    conv2d_add_parts_kernel(std::int64_t weights, int parts, const float* sums, float* dw) {
  using Sum = Vec<float, 4>;
  __shared__ Sum partial[kAddWarps][kWarp];
  const int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
  const std::int64_t i = (static_cast<std::int64_t>(blockIdx.x) * kWarp + lane) * 4;
  const auto add = [](Sum& sum, const Sum& more) {
    for (int v = 0; v < 4; ++v) sum.v[v] += more.v[v];
  };
  Sum sum{};
  if (i < weights) {
#pragma unroll 8
    for (int part = warp; part < parts; part += kAddWarps) {
      add(sum, load_vec<float, 4>(sums + part * weights + i));
    }
  }
  partial[warp][lane] = sum;
  __syncthreads();
  if (warp > 0 || i >= weights) return;
  for (int w = 1; w < kAddWarps; ++w) add(sum, partial[w][lane]);
  store_vec(dw + i, sum);
}

}  // namespace

/// So that the blocks, in waves of kBlocks, are done soonest.
std::int64_t slices_a_part(std::int64_t tiles, std::int64_t slices) {
  std::int64_t best = slices, best_time = div_up(tiles, kBlocks) * slices;
  for (std::int64_t parts = 2; parts <= slices && tiles * parts <= kMostWaves * kBlocks; ++parts) {
    const std::int64_t each = div_up(slices, parts);
    const std::int64_t time = div_up(tiles * parts, kBlocks) * (each + kStoreSlices);
    if (time >= best_time) continue;
    best_time = time;
    best = each;
  }
  return best;
}

void add_parts(const CudaContext& ctx, std::int64_t weights, std::int64_t parts, const float* sums,
               float* dw) {
  launch(ctx, {dim3(static_cast<unsigned>(div_up(weights, 4 * kWarp))), dim3(kAddWarps * kWarp)},
         conv2d_add_parts_kernel, weights, narrow(parts), sums, dw);
}

void tensor_core_backward_weights(const CudaContext& ctx, const Conv2dShape& s, int tiling,
                                  const bfloat16* x, const bfloat16* dy, float* dw) {
  WeightsProblem p{};
  p.x = x;
  p.dy = dy;
  p.grid = PixelGrid(narrow(s.n), narrow(s.out_h()), narrow(s.out_w()));
  p.x_h = narrow(s.h);
  p.x_w = narrow(s.w);
  p.c = narrow(s.c);
  p.k = narrow(s.k);
  p.kernel = narrow(s.kernel);
  p.stride = narrow(s.stride);
  p.padding = narrow(s.padding);
  switch (tiling) {
    case 0:
      return weights_gradient<MatrixTile<128, 128, 64, 64, 3, 2>>(ctx, p, s.weights(), dw);
    case 1:
      return weights_gradient<MatrixTile<64, 192, 64, 48, 3, 2>>(ctx, p, s.weights(), dw);
    case 2:
      return weights_gradient<MatrixTile<64, 64, 32, 32, 4, 3>>(ctx, p, s.weights(), dw);
    default:
      return weights_by_warp_groups(ctx, tiling - kWeightsTilings, p, s.weights(), dw);
  }
}

}  // namespace bptplr::kernels
