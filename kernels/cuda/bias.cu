// The bias of a convolution. Both passes go over the activations as channels.cuh says: a thread
// keeps to 16 bytes of channels, whose bias or sums are in its registers. The gradient leaves one
// row of partial sums a chunk of rows, which a second kernel adds up in double. The floor is y read
// and written once, and dy read once.
#include <algorithm>

#include "kernels/bias.hpp"
#include "kernels/cuda/device/channels.cuh"
#include "kernels/cuda/runtime/launch.hpp"

namespace bptplr::kernels {
namespace {

constexpr int kThreads = 512;
/// Two for each SM of an H200, on every GPU: the order of the sums follows from it.
constexpr int kBlocks = 2 * 132;
constexpr int kCombineSlices = 32;  // chunks that a block combines side by side, for kWarp channels
constexpr int kCombineThreads = kWarp * kCombineSlices;

template <int kWidth, class T>
__global__ void __launch_bounds__(kThreads)
    add_bias_kernel(ChannelTiling t, const float* bias, T* y) {
  const ChannelPlace<kWidth> at(t);
  if (at.begin >= at.end) return;
  const Floats<kWidth> own = load_values<kWidth>(bias + at.channel());
  for_each_batch<false>(t, at, [&](auto rows, std::int64_t row) {
    constexpr int kRows = decltype(rows)::value;
    const RowBatch<kRows, kWidth, T> batch(t, at, y, row);
    for (int r = 0; r < kRows; ++r) {
      Floats<kWidth> out;
      for (int k = 0; k < kWidth; ++k) out.v[k] = batch(r, k) + own.v[k];
      store_values(y + at.offset(row + r * t.slices), out);
    }
  });
}

/// Sums of kWidth channels.
template <int kWidth>
struct ChannelSums {
  Floats<kWidth> sum;

  __device__ void merge(const ChannelSums& other) {
    for (int k = 0; k < kWidth; ++k) sum.v[k] += other.sum.v[k];
  }
};

/// partial [chunks, channels]
template <int kWidth, class T>
__global__ void __launch_bounds__(kThreads)
    bias_sums_kernel(ChannelTiling t, const T* dy, float* partial) {
  const ChannelPlace<kWidth> at(t);
  ChannelSums<kWidth> own{};
  for_each_batch<false>(t, at, [&](auto rows, std::int64_t row) {
    constexpr int kRows = decltype(rows)::value;
    const RowBatch<kRows, kWidth, T> batch(t, at, dy, row);
    for (int r = 0; r < kRows; ++r) {
      for (int k = 0; k < kWidth; ++k) own.sum.v[k] += batch(r, k);
    }
  });
  merge_slices<kThreads>(own, at.slice, t.slices, t.tile);
  if (at.slice > 0 || at.channel() >= t.channels) return;
  store_values(partial + static_cast<std::int64_t>(blockIdx.x) * t.channels + at.channel(),
               own.sum);
}

struct DoubleSum {
  double sum;
  __device__ void merge(const DoubleSum& other) { sum += other.sum; }
};

__global__ void __launch_bounds__(kCombineThreads)
    combine_bias_kernel(int chunks, int channels, const float* partial, float* dbias) {
  const int slice = static_cast<int>(threadIdx.x) / kWarp;
  const int channel = static_cast<int>(blockIdx.x * kWarp + threadIdx.x % kWarp);
  DoubleSum own{};
  for (int chunk = slice; chunk < chunks && channel < channels; chunk += kCombineSlices) {
    own.sum += partial[static_cast<std::int64_t>(chunk) * channels + channel];
  }
  merge_slices<kCombineThreads>(own, slice, kCombineSlices, kWarp);
  if (slice == 0 && channel < channels) dbias[channel] = static_cast<float>(own.sum);
}

template <int kWidth>
ChannelTiling tiling_of(std::int64_t rows, std::int64_t channels) {
  return {kThreads, kWidth, 1, rows, channels, kBlocks};
}

}  // namespace

template <class Context, class T>
void add_bias(const Context& ctx, std::int64_t rows, std::int64_t channels, const StatOf<T>* bias,
              T* y) {
  const auto run = [&](auto width) {
    constexpr int kWidth = decltype(width)::value;
    const ChannelTiling t = tiling_of<kWidth>(rows, channels);
    launch(ctx, {channel_grid(t, kWidth, 1), dim3(kThreads)}, add_bias_kernel<kWidth, T>, t, bias,
           y);
  };
  with_width<T>(channels, run, bias, y);
}

template <class Context, class T>
void bias_gradient(const Context& ctx, std::int64_t rows, std::int64_t channels, const T* dy,
                   StatOf<T>* dbias) {
  const auto run = [&](auto width) {
    constexpr int kWidth = decltype(width)::value;
    const ChannelTiling t = tiling_of<kWidth>(rows, channels);
    float* partial = ctx.template scratch<float>(t.chunks * channels);
    launch(ctx, {channel_grid(t, kWidth, 1), dim3(kThreads)}, bias_sums_kernel<kWidth, T>, t, dy,
           partial);
    launch(ctx, {dim3(static_cast<unsigned>(div_up(channels, kWarp))), dim3(kCombineThreads)},
           combine_bias_kernel, t.chunks, t.channels, partial, dbias);
  };
  with_width<T>(channels, run, dy);
}

#define BPTPLR_INSTANTIATE(T)                                                               \
  template void add_bias(const CudaContext&, std::int64_t, std::int64_t, const float*, T*); \
  template void bias_gradient(const CudaContext&, std::int64_t, std::int64_t, const T*, float*);
BPTPLR_INSTANTIATE(float)
BPTPLR_INSTANTIATE(bfloat16)
#undef BPTPLR_INSTANTIATE

}  // namespace bptplr::kernels
