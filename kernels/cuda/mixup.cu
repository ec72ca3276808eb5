// MixUp of whole rows. A thread makes one 16-byte vector of the result: two vectors are read, one
// is written, and enough threads are in flight to keep the memory busy without unrolling. Finding
// the vector's row takes a division, which hides behind the memory.
//
// Products and sum are rounded one by one, so that the results are the CPU's bits.
#include "kernels/cuda/device/block.cuh"
#include "kernels/cuda/runtime/launch.hpp"
#include "kernels/mixup.hpp"

namespace bptplr::kernels {
namespace {

constexpr int kThreads = 256;

template <int kWidth, class T>
__global__ void __launch_bounds__(kThreads)
    mixup_kernel(std::int64_t rows, std::int64_t length, const double* weight, const T* a,
                 const T* b, const std::int64_t* perm, T* out) {
  const std::int64_t begin =
      (static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x) * kWidth;
  if (begin >= rows * length) return;
  const std::int64_t row = begin / length;
  const Vec<T, kWidth> own = load_vec<T, kWidth>(a + begin);
  const Vec<T, kWidth> other = load_vec<T, kWidth>(b + begin + (perm[row] - row) * length);
  const auto l = static_cast<float>(*weight);
  const float rest = 1.0f - l;
  Vec<T, kWidth> mixed;
#pragma unroll
  for (int k = 0; k < kWidth; ++k) {
    mixed.v[k] = T(__fadd_rn(__fmul_rn(l, static_cast<float>(own.v[k])),
                             __fmul_rn(rest, static_cast<float>(other.v[k]))));
  }
  store_vec(out + begin, mixed);
}

}  // namespace

template <class Context, class T>
void mixup(const Context& ctx, std::int64_t rows, std::int64_t length, const double* l, const T* a,
           const T* b, const std::int64_t* perm, T* out) {
  const bool wide =
      can_vectorize(a, length) && can_vectorize(b, length) && can_vectorize(out, length);
  const std::int64_t threads = rows * length / (wide ? kVecWidth<T> : 1);
  const LaunchShape shape{dim3(static_cast<unsigned>(div_up(threads, kThreads))), dim3(kThreads)};
  launch(ctx, shape, wide ? mixup_kernel<kVecWidth<T>, T> : mixup_kernel<1, T>, rows, length, l, a,
         b, perm, out);
}

template void mixup(const CudaContext&, std::int64_t, std::int64_t, const double*, const float*,
                    const float*, const std::int64_t*, float*);
template void mixup(const CudaContext&, std::int64_t, std::int64_t, const double*, const bfloat16*,
                    const bfloat16*, const std::int64_t*, bfloat16*);

}  // namespace bptplr::kernels
