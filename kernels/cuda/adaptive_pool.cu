// Adaptive average pooling. Images hold the channels of a pixel side by side, maps the cells of a
// channel: a block takes 32 channels of an image and turns them around in shared memory, so that
// threads side by side read and write side by side. The floor is each array once; cells that share
// pixels read them again from the L1 cache. Backward, a pixel sums the cells it counts in, in their
// order.
#include "kernels/adaptive_pool.hpp"
#include "kernels/cuda/device/activations.cuh"
#include "kernels/cuda/runtime/launch.hpp"

namespace bptplr::kernels {
namespace {

constexpr int kThreads = 256;
constexpr int kTile = 32;  // channels of a block
static_assert(kMaxAdaptiveSide * kMaxAdaptiveSide * kTile * sizeof(float) <= kDefaultSharedBytes);

/// An AdaptivePoolShape in 32 bits: only indices of images need more.
struct Maps {
  int h, w, c, side, tiles;

  explicit Maps(const AdaptivePoolShape& s)
      : h(static_cast<int>(s.h)),
        w(static_cast<int>(s.w)),
        c(static_cast<int>(s.c)),
        side(static_cast<int>(s.side)),
        tiles(static_cast<int>(div_up(s.c, kTile))) {}

  __device__ int cells() const { return side * side; }
};

/// The block's image and channels.
struct Tile {
  std::int64_t image;
  int first;
  int channels;

  __device__ explicit Tile(const Maps& s)
      : image(blockIdx.x / s.tiles),
        first(static_cast<int>(blockIdx.x) % s.tiles * kTile),
        channels(min(kTile, s.c - first)) {}

  /// The maps of its channels, one after the other.
  __device__ std::int64_t maps(const Maps& s) const { return (image * s.c + first) * s.cells(); }
  /// Its first channel of the image's first pixel.
  __device__ std::int64_t pixels(const Maps& s) const { return image * s.h * s.w * s.c + first; }
};

/// Calls fn(place, channel) for `places` of each of the block's channels, neighbours in channel.
template <class Fn>
__device__ __forceinline__ void for_each_channel(const Tile& tile, int places, Fn&& fn) {
  for (int i = static_cast<int>(threadIdx.x); i < places * kTile; i += kThreads) {
    if (i % kTile < tile.channels) fn(i / kTile, i % kTile);
  }
}

template <class T>
__global__ void __launch_bounds__(kThreads) forward_kernel(Maps s, const T* x, float* y) {
  float* maps = dynamic_shared<float>();  // [kTile, cells]
  const Tile tile(s);
  x += tile.pixels(s);
  for_each_channel(tile, s.cells(), [&](int cell, int channel) {
    const AxisRange rows = pixels_of_cell(cell / s.side, s.h, s.side);
    const AxisRange columns = pixels_of_cell(cell % s.side, s.w, s.side);
    float sum = 0.0f;
    for (int i = rows.begin; i < rows.end; ++i) {
      for (int j = columns.begin; j < columns.end; ++j) {
        sum += static_cast<float>(x[(i * s.w + j) * s.c + channel]);
      }
    }
    maps[channel * s.cells() + cell] = sum / static_cast<float>(rows.size() * columns.size());
  });
  __syncthreads();
  y += tile.maps(s);
  for (int i = static_cast<int>(threadIdx.x); i < tile.channels * s.cells(); i += kThreads) {
    y[i] = maps[i];
  }
}

template <class T>
__global__ void __launch_bounds__(kThreads) backward_kernel(Maps s, const float* dy, T* dx) {
  float* maps = dynamic_shared<float>();
  const Tile tile(s);
  dy += tile.maps(s);
  for (int i = static_cast<int>(threadIdx.x); i < tile.channels * s.cells(); i += kThreads) {
    maps[i] = dy[i];
  }
  __syncthreads();
  dx += tile.pixels(s);
  for_each_channel(tile, s.h * s.w, [&](int pixel, int channel) {
    const AxisRange rows = cells_of_pixel(pixel / s.w, s.h, s.side);
    const AxisRange columns = cells_of_pixel(pixel % s.w, s.w, s.side);
    float sum = 0.0f;
    for (int p = rows.begin; p < rows.end; ++p) {
      const int height = pixels_of_cell(p, s.h, s.side).size();
      for (int q = columns.begin; q < columns.end; ++q) {
        const int pixels = height * pixels_of_cell(q, s.w, s.side).size();
        sum += maps[channel * s.cells() + p * s.side + q] / static_cast<float>(pixels);
      }
    }
    dx[pixel * s.c + channel] = T(sum);
  });
}

/// One block for each image and tile of channels.
LaunchShape tile_launch(const AdaptivePoolShape& s) {
  return {dim3(static_cast<unsigned>(s.n * div_up(s.c, kTile))), dim3(kThreads),
          static_cast<std::size_t>(s.cells()) * kTile * sizeof(float)};
}

}  // namespace

template <class Context, class T>
void adaptive_avg_pool_forward(const Context& ctx, const AdaptivePoolShape& s, const T* x,
                               StatOf<T>* y) {
  launch(ctx, tile_launch(s), forward_kernel<T>, Maps(s), x, y);
}

template <class Context, class T>
void adaptive_avg_pool_backward(const Context& ctx, const AdaptivePoolShape& s, const StatOf<T>* dy,
                                T* dx) {
  launch(ctx, tile_launch(s), backward_kernel<T>, Maps(s), dy, dx);
}

#define BPTPLR_INSTANTIATE(T)                                                                     \
  template void adaptive_avg_pool_forward(const CudaContext&, const AdaptivePoolShape&, const T*, \
                                          float*);                                                \
  template void adaptive_avg_pool_backward(const CudaContext&, const AdaptivePoolShape&,          \
                                           const float*, T*);
BPTPLR_INSTANTIATE(float)
BPTPLR_INSTANTIATE(bfloat16)
#undef BPTPLR_INSTANTIATE

}  // namespace bptplr::kernels
