// Views of vectors. A thread owns four values of one view, those of one Philox block. The floor is
// the vector read once in its stored type and the view written once; mean and scale stay in L2.
// Reads are by value: rows begin anywhere in a mapped file, at the alignment of a value alone.
#include "kernels/cuda/device/block.cuh"
#include "kernels/cuda/runtime/launch.hpp"
#include "kernels/vector_view_values.hpp"
#include "kernels/vector_views.hpp"

namespace bptplr::kernels {
namespace {

constexpr int kThreads = 256;

template <class V, class T>
__global__ void __launch_bounds__(kThreads)
    vector_views_kernel(VectorShape s, const V* vectors, const std::int64_t* rows,
                        const VectorProgram* programs, const float* mean, const float* scale,
                        T* out) {
  const std::int64_t blocks = (s.dim + kViewValues - 1) / kViewValues;
  const std::int64_t at = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (at >= s.count * blocks) return;
  const std::int64_t view = at / blocks;
  const std::int64_t block = at % blocks;
  const ViewDraws draws = view_draws(programs[view], s.dim, block);
  const V* x = vectors + rows[view] * s.dim;
#pragma unroll
  for (int k = 0; k < kViewValues; ++k) {
    const std::int64_t d = block * kViewValues + k;
    if (d >= s.dim) break;
    const float z = (vector_value(static_cast<float>(x[d]), s.root) - mean[d]) * scale[d];
    out[view * s.dim + d] = static_cast<T>((z + draws.noise[k]) * draws.factor[k]);
  }
}

}  // namespace

template <class Context, class T>
void vector_views(const Context& ctx, const VectorShape& s, const std::uint8_t* vectors,
                  const std::int64_t* rows, const VectorProgram* programs, const float* mean,
                  const float* scale, T* out) {
  const std::int64_t threads = s.count * ((s.dim + kViewValues - 1) / kViewValues);
  const LaunchShape grid{dim3(static_cast<unsigned>(div_up(threads, kThreads))), dim3(kThreads)};
  if (s.type == VectorType::kFloat16) {
    launch(ctx, grid, vector_views_kernel<float16, T>, s, reinterpret_cast<const float16*>(vectors),
           rows, programs, mean, scale, out);
  } else {
    launch(ctx, grid, vector_views_kernel<float, T>, s, reinterpret_cast<const float*>(vectors),
           rows, programs, mean, scale, out);
  }
}

template void vector_views(const CudaContext&, const VectorShape&, const std::uint8_t*,
                           const std::int64_t*, const VectorProgram*, const float*, const float*,
                           float*);
template void vector_views(const CudaContext&, const VectorShape&, const std::uint8_t*,
                           const std::int64_t*, const VectorProgram*, const float*, const float*,
                           bfloat16*);

}  // namespace bptplr::kernels
