// Dropout. A thread owns the channels of one block of four draws, and goes through a share of the
// image's pixels with them: the draw costs some 60 integer operations, which the loads of the first
// pixel hide. Where four channels do not make whole vectors, a thread owns a single channel, and
// four neighbours make the same draw. The floor is x read and y written once.
#include <algorithm>

#include "kernels/cuda/device/activations.cuh"
#include "kernels/cuda/runtime/launch.hpp"
#include "kernels/dropout.hpp"

namespace bptplr::kernels {
namespace {

constexpr int kThreads = 256;
constexpr int kDraws = 4;  // of one Philox block
constexpr std::int64_t kBlocksPerSm = 8;

/// Pixels blockIdx.y, blockIdx.y + gridDim.y, ... of kWidth channels a thread.
template <int kWidth, class T>
__global__ void __launch_bounds__(kThreads)
    dropout_kernel(DropoutShape s, PhiloxStream stream, const T* x, T* y) {
  const std::int64_t draw =
      (static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x) * kWidth;
  if (draw >= s.n * s.channels) return;
  const std::int64_t place = s.first + draw;
  const PhiloxBlock words = philox_block(stream, static_cast<std::uint32_t>(place / kDraws));
  const float keep = 1.0f / (1.0f - s.rate);
  Floats<kWidth> factor;
#pragma unroll
  for (int k = 0; k < kWidth; ++k) {
    const std::uint32_t word = words.word[kWidth == 1 ? static_cast<int>(place % kDraws) : k];
    factor.v[k] = philox_uniform(word) < s.rate ? 0.0f : keep;
  }
  const std::int64_t image = draw / s.channels;
  const std::int64_t base = image * s.pixels * s.channels + draw % s.channels;
  for (std::int64_t p = blockIdx.y; p < s.pixels; p += gridDim.y) {
    Floats<kWidth> values = load_values<kWidth>(x + base + p * s.channels);
#pragma unroll
    for (int k = 0; k < kWidth; ++k) values.v[k] *= factor.v[k];
    store_values(y + base + p * s.channels, values);
  }
}

template <class T>
bool aligned(const T* base) {
  return reinterpret_cast<std::uintptr_t>(base) % sizeof(Vec<T, kDraws>) == 0;
}

}  // namespace

template <class Context, class T>
void dropout(const Context& ctx, const DropoutShape& s, const PhiloxStream& stream, const T* x,
             T* y) {
  const bool wide = s.channels % kDraws == 0 && s.first % kDraws == 0 && aligned(x) && aligned(y);
  const std::int64_t columns =
      div_up(s.draws(), static_cast<std::int64_t>(kThreads) * (wide ? kDraws : 1));
  const std::int64_t blocks = kBlocksPerSm * multiprocessors();
  const std::int64_t shares =
      std::min(s.pixels, std::max<std::int64_t>(blocks / std::max<std::int64_t>(columns, 1), 1));
  launch(ctx, {dim3(static_cast<unsigned>(columns), static_cast<unsigned>(shares)), dim3(kThreads)},
         wide ? dropout_kernel<kDraws, T> : dropout_kernel<1, T>, s, stream, x, y);
}

template void dropout(const CudaContext&, const DropoutShape&, const PhiloxStream&, const float*,
                      float*);
template void dropout(const CudaContext&, const DropoutShape&, const PhiloxStream&, const bfloat16*,
                      bfloat16*);

}  // namespace bptplr::kernels
