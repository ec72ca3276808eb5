// Pooling. The windowed kernels give a block one row of pixels of one image, so that finding a
// value's place costs one short division, and a thread 16 bytes of channels of a pixel; windows
// that overlap read their input again from the L1 cache. Backward kernels gather: a pixel sums the
// windows that cover it, in the order of the outputs. The global mean is a sum over the rows of
// each image (channels.cuh). The floor of all of them is each array once.
#include <limits>

#include "kernels/cuda/device/channels.cuh"
#include "kernels/cuda/runtime/launch.hpp"
#include "kernels/pool.hpp"

namespace bptplr::kernels {
namespace {

constexpr int kThreads = 256;
constexpr float kLowest = -std::numeric_limits<float>::infinity();

/// A PoolShape in 32 bits: only the place of a row of pixels needs more.
struct Windows {
  int h, w, c, kernel, stride, padding, out_h, out_w;

  explicit Windows(const PoolShape& s)
      : h(static_cast<int>(s.h)),
        w(static_cast<int>(s.w)),
        c(static_cast<int>(s.c)),
        kernel(static_cast<int>(s.kernel)),
        stride(static_cast<int>(s.stride)),
        padding(static_cast<int>(s.padding)),
        out_h(static_cast<int>(s.out_h())),
        out_w(static_cast<int>(s.out_w())) {}

  /// Index of channel 0 of a pixel of the input and of the output; images count as more rows.
  __device__ std::int64_t input(std::int64_t row, int column) const {
    return (row * w + column) * c;
  }
  __device__ std::int64_t output(std::int64_t row, int column) const {
    return (row * out_w + column) * c;
  }
};

/// Positions [begin, end).
struct Range {
  int begin, end;
};

/// The part inside the image of the window of output `p`, along an axis of `size` pixels.
__device__ __forceinline__ Range window_of(const Windows& s, int p, int size) {
  const int begin = p * s.stride - s.padding;
  return {max(begin, 0), min(begin + s.kernel, size)};
}

/// The outputs whose windows cover pixel `i`, along an axis of `outputs` windows.
__device__ __forceinline__ Range windows_over(const Windows& s, int i, int outputs) {
  const int last = i + s.padding;
  const int before = last - s.kernel;  // the last place where a window begins that ends too early
  return {before < 0 ? 0 : before / s.stride + 1, min(last / s.stride + 1, outputs)};
}

/// Calls fn(tap, input index) for the pixels of the window of output (p, q), row by row; `tap`
/// numbers all of the window.
template <class Fn>
__device__ __forceinline__ void for_each_tap(const Windows& s, int image, int p, int q, Fn&& fn) {
  const Range rows = window_of(s, p, s.h);
  const Range columns = window_of(s, q, s.w);
  for (int row = rows.begin; row < rows.end; ++row) {
    const int r = row - (p * s.stride - s.padding);
    for (int column = columns.begin; column < columns.end; ++column) {
      const int t = column - (q * s.stride - s.padding);
      fn(r * s.kernel + t, s.input(static_cast<std::int64_t>(image) * s.h + row, column));
    }
  }
}

/// Calls fn(tap, output index) for the windows that cover pixel (i, j), in the order of the
/// outputs; `tap` is the pixel's place in the window.
template <class Fn>
__device__ __forceinline__ void for_each_window(const Windows& s, int image, int i, int j,
                                                Fn&& fn) {
  const Range rows = windows_over(s, i, s.out_h);
  const Range columns = windows_over(s, j, s.out_w);
  for (int p = rows.begin; p < rows.end; ++p) {
    const int r = i - (p * s.stride - s.padding);
    for (int q = columns.begin; q < columns.end; ++q) {
      const int t = j - (q * s.stride - s.padding);
      fn(r * s.kernel + t, s.output(static_cast<std::int64_t>(image) * s.out_h + p, q));
    }
  }
}

/// Calls fn(image, row, column, channel) for what the thread does of the block's row: vectors of
/// kWidth channels of `columns` pixels.
template <int kWidth, class Fn>
__device__ __forceinline__ void for_each_in_row(const Windows& s, int rows, int columns, Fn&& fn) {
  const int image = static_cast<int>(blockIdx.x) / rows;
  const int row = static_cast<int>(blockIdx.x) % rows;
  const int vectors = s.c / kWidth;
  for (int i = static_cast<int>(threadIdx.x); i < columns * vectors;
       i += static_cast<int>(blockDim.x)) {
    fn(image, row, i / vectors, i % vectors * kWidth);
  }
}

/// One block a row of pixels, of no more threads than the row keeps busy.
template <int kWidth>
LaunchShape row_launch(const PoolShape& s, std::int64_t rows, std::int64_t columns) {
  const std::int64_t busy = std::max<std::int64_t>(columns * s.c / kWidth, 1);
  const std::int64_t threads = std::min<std::int64_t>(div_up(busy, kWarp) * kWarp, kThreads);
  return {dim3(static_cast<unsigned>(s.n * rows)), dim3(static_cast<unsigned>(threads))};
}

template <int kWidth, class T>
__global__ void __launch_bounds__(kThreads)
    max_forward_kernel(Windows s, const T* x, T* y, std::uint8_t* winner) {
  for_each_in_row<kWidth>(s, s.out_h, s.out_w, [&](int image, int p, int q, int channel) {
    Floats<kWidth> best;
    Values<int, kWidth> place{};
    for (int k = 0; k < kWidth; ++k) best.v[k] = kLowest;
    bool first = true;
    for_each_tap(s, image, p, q, [&](int tap, std::int64_t in) {
      const Floats<kWidth> values = load_values<kWidth>(x + in + channel);
      for (int k = 0; k < kWidth; ++k) {
        const float value = values.v[k];
        if (first || value > best.v[k] || value != value) {  // NaN wins
          best.v[k] = value;
          place.v[k] = tap;
        }
      }
      first = false;
    });
    const std::int64_t out = s.output(static_cast<std::int64_t>(image) * s.out_h + p, q) + channel;
    store_values(y + out, best);
    store_values(winner + out, place);
  });
}

// The number of blocks keeps ptxas from spilling four bytes to fit a fifth (sm_80).
template <int kWidth, class T>
__global__ void __launch_bounds__(kThreads, 4)
    max_backward_kernel(Windows s, const T* dy, const std::uint8_t* winner, T* dx) {
  for_each_in_row<kWidth>(s, s.h, s.w, [&](int image, int i, int j, int channel) {
    Floats<kWidth> sum{};
    for_each_window(s, image, i, j, [&](int tap, std::int64_t out) {
      const Floats<kWidth> values = load_values<kWidth>(dy + out + channel);
      const Values<int, kWidth> places = load_values<kWidth, int>(winner + out + channel);
      for (int k = 0; k < kWidth; ++k) sum.v[k] += places.v[k] == tap ? values.v[k] : 0.0f;
    });
    store_values(dx + s.input(static_cast<std::int64_t>(image) * s.h + i, j) + channel, sum);
  });
}

template <int kWidth>
struct ChannelSums {
  Floats<kWidth> sum;

  __device__ void merge(const ChannelSums& other) {
    for (int k = 0; k < kWidth; ++k) sum.v[k] += other.sum.v[k];
  }
};

template <int kWidth, class T>
__global__ void __launch_bounds__(kThreads)
    global_forward_kernel(ChannelTiling t, float inverse, const T* x, float* y) {
  const ChannelPlace<kWidth> at(t);
  ChannelSums<kWidth> own{};
  for_each_batch<false>(t, at, [&](auto rows, std::int64_t row) {
    constexpr int kRows = decltype(rows)::value;
    const RowBatch<kRows, kWidth, T> values(t, at, x, row);
    for (int r = 0; r < kRows; ++r) {
      for (int k = 0; k < kWidth; ++k) own.sum.v[k] += values(r, k);
    }
  });
  merge_slices<kThreads>(own, at.slice, t.slices, t.tile);
  if (at.slice > 0 || at.channel() >= t.channels) return;
  for (int k = 0; k < kWidth; ++k) own.sum.v[k] *= inverse;
  store_values(y + at.offset(at.group), own.sum);
}

template <int kWidth, class T>
__global__ void __launch_bounds__(kThreads)
    global_backward_kernel(ChannelTiling t, float inverse, const float* dy, T* dx) {
  const ChannelPlace<kWidth> at(t);
  if (at.begin >= at.end) return;
  Floats<kWidth> value = load_values<kWidth>(dy + at.offset(at.group));
  for (int k = 0; k < kWidth; ++k) value.v[k] *= inverse;
  for (std::int64_t row = at.begin; row < at.end; row += t.slices) {
    store_values(dx + at.offset(row), value);
  }
}

/// Every image is one chunk of `pixels` rows.
ChannelTiling image_tiling(int width, std::int64_t n, std::int64_t pixels, std::int64_t c) {
  return {kThreads, width, n, pixels, c, 1};
}

}  // namespace

template <class Context, class T>
void global_avg_pool_forward(const Context& ctx, std::int64_t n, std::int64_t pixels,
                             std::int64_t c, const T* x, StatOf<T>* y) {
  const float inverse = 1.0f / static_cast<float>(pixels);
  const auto run = [&](auto width) {
    constexpr int kWidth = decltype(width)::value;
    const ChannelTiling t = image_tiling(kWidth, n, pixels, c);
    launch(ctx, {channel_grid(t, kWidth, n), dim3(kThreads)}, global_forward_kernel<kWidth, T>, t,
           inverse, x, y);
  };
  with_width<T>(c, run, x, y);
}

template <class Context, class T>
void global_avg_pool_backward(const Context& ctx, std::int64_t n, std::int64_t pixels,
                              std::int64_t c, const StatOf<T>* dy, T* dx) {
  const float inverse = 1.0f / static_cast<float>(pixels);
  const auto run = [&](auto width) {
    constexpr int kWidth = decltype(width)::value;
    const ChannelTiling t = image_tiling(kWidth, n, pixels, c);
    launch(ctx, {channel_grid(t, kWidth, n), dim3(kThreads)}, global_backward_kernel<kWidth, T>, t,
           inverse, dy, dx);
  };
  with_width<T>(c, run, dy, dx);
}

template <class Context, class T>
void max_pool_forward(const Context& ctx, const PoolShape& s, const T* x, T* y,
                      std::uint8_t* winner) {
  const auto run = [&](auto width) {
    constexpr int kWidth = decltype(width)::value;
    launch(ctx, row_launch<kWidth>(s, s.out_h(), s.out_w()), max_forward_kernel<kWidth, T>,
           Windows(s), x, y, winner);
  };
  with_width<T>(s.c, run, x, y, winner);
}

template <class Context, class T>
void max_pool_backward(const Context& ctx, const PoolShape& s, const T* dy,
                       const std::uint8_t* winner, T* dx) {
  const auto run = [&](auto width) {
    constexpr int kWidth = decltype(width)::value;
    launch(ctx, row_launch<kWidth>(s, s.h, s.w), max_backward_kernel<kWidth, T>, Windows(s), dy,
           winner, dx);
  };
  with_width<T>(s.c, run, dy, dx, winner);
}

#define BPTPLR_INSTANTIATE(T)                                                            \
  template void global_avg_pool_forward(const CudaContext&, std::int64_t, std::int64_t,  \
                                        std::int64_t, const T*, float*);                 \
  template void global_avg_pool_backward(const CudaContext&, std::int64_t, std::int64_t, \
                                         std::int64_t, const float*, T*);                \
  template void max_pool_forward(const CudaContext&, const PoolShape&, const T*, T*,     \
                                 std::uint8_t*);                                         \
  template void max_pool_backward(const CudaContext&, const PoolShape&, const T*,        \
                                  const std::uint8_t*, T*);
BPTPLR_INSTANTIATE(float)
BPTPLR_INSTANTIATE(bfloat16)
#undef BPTPLR_INSTANTIATE

}  // namespace bptplr::kernels
