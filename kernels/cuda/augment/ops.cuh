// The operations of augment.cu, each by a block on one crop that lies in shared memory or in the
// workspace. They begin with the image complete and end without a barrier.
//
// Loops run over words of four values, or over pixels, a warp taking a row. Results equal the CPU's
// to the bit whatever nvcc is told about contraction: where a product is added to something,
// mul_add() rounds twice. No branch around a barrier depends on the thread.
#pragma once

#include "kernels/augment.hpp"
#include "kernels/cuda/device/block.cuh"

namespace bptplr::kernels::augment_ops {

inline constexpr int kThreads = 256;
inline constexpr int kLevels = 256;
inline constexpr int kLevelsPerLane = kLevels / kWarp;
/// Fills what an operation brings in from outside the image.
inline constexpr std::uint8_t kOutside = 128;

struct ImageSize {
  int height;
  int width;

  __host__ __device__ int pixels() const { return height * width; }
  __host__ __device__ int bytes() const { return pixels() * 3; }
  /// Room for whole vectors of 16 bytes.
  __host__ __device__ int buffer_bytes() const { return (bytes() + 15) / 16 * 16; }
};

// --- Arithmetic ---------------------------------------------------------------------------------
/// a * b + c, both rounded.
__device__ __forceinline__ float mul_add(float a, float b, float c) {
  return __fadd_rn(__fmul_rn(a, b), c);
}
__device__ __forceinline__ double mul_add(double a, double b, double c) {
  return __dadd_rn(__dmul_rn(a, b), c);
}

__device__ __forceinline__ int clamp(int value, int low, int high) {
  return max(low, min(value, high));
}

/// What Pillow's ImagingBlend makes of two values.
__device__ __forceinline__ std::uint8_t blend(int degenerate, int value, float factor) {
  const float mixed =
      mul_add(factor, static_cast<float>(value - degenerate), static_cast<float>(degenerate));
  return static_cast<std::uint8_t>(max(0.0f, min(mixed, 255.0f)));
}

/// ITU-R 601 luma with 16-bit weights.
__device__ __forceinline__ int luma(const std::uint8_t* pixel) {
  return (pixel[0] * 19595 + pixel[1] * 38470 + pixel[2] * 7471 + 0x8000) >> 16;
}

/// Cubic interpolation at fraction t between b and c. The sums of values are exact.
__device__ __forceinline__ std::uint8_t cubic(int a, int b, int c, int d, double t) {
  const double p2 = c - a;
  const double p3 = 2 * (a - b) + c - d;
  const double p4 = b - a + d - c;
  const double value = mul_add(t, mul_add(t, mul_add(t, p4, p3), p2), static_cast<double>(b));
  return static_cast<std::uint8_t>(max(0.0, min(value, 255.0)));
}

// --- Loops over an image ------------------------------------------------------------------------
/// fn(y, x, where the pixel begins)
template <class Fn>
__device__ __forceinline__ void for_each_pixel(ImageSize size, Fn&& fn) {
#pragma unroll 1
  for (int y = threadIdx.x / kWarp; y < size.height; y += kThreads / kWarp) {
#pragma unroll 1
    for (int x = threadIdx.x % kWarp; x < size.width; x += kWarp) {
      fn(y, x, (y * size.width + x) * 3);
    }
  }
}

/// Makes each value v of each channel fn(channel, v), in place.
template <class Fn>
__device__ __forceinline__ void map_values(ImageSize size, std::uint8_t* image, Fn&& fn) {
  const int words = size.buffer_bytes() / 4;
#pragma unroll 1
  for (int w = threadIdx.x; w < words; w += kThreads) {
    Vec<std::uint8_t, 4> values = load_vec<std::uint8_t, 4>(image + 4 * w);
    int channel = w % 3;  // 4 * w % 3
#pragma unroll
    for (std::uint8_t& value : values.v) {
      value = fn(channel, value);
      channel = channel == 2 ? 0 : channel + 1;
    }
    store_vec(image + 4 * w, values);
  }
}

__device__ __forceinline__ void set_pixel(std::uint8_t* to, const std::uint8_t* from) {
  to[0] = from[0];
  to[1] = from[1];
  to[2] = from[2];
}
__device__ __forceinline__ void set_pixel(std::uint8_t* to, std::uint8_t value) {
  to[0] = to[1] = to[2] = value;
}

// --- Geometry: from `in` to `out` ---------------------------------------------------------------
__device__ __forceinline__ void crop_and_flip(ImageSize image, ImageSize crop,
                                              const AugmentProgram& program, const std::uint8_t* in,
                                              std::uint8_t* out) {
  const int crop_x = program.crop_x;
  const int crop_y = program.crop_y;
  const bool flip = program.flip;
  for_each_pixel(crop, [&](int y, int x, int at) {
    const int row = y + crop_y;
    const int column = (flip ? crop.width - 1 - x : x) + crop_x;
    if (row >= 0 && row < image.height && column >= 0 && column < image.width) {
      set_pixel(out + at, in + (row * image.width + column) * 3);
    } else {
      set_pixel(out + at, std::uint8_t{0});
    }
  });
}

/// Along x if kAlongX, otherwise along y.
template <bool kAlongX>
__device__ __forceinline__ void shear(ImageSize size, double amount, const std::uint8_t* in,
                                      std::uint8_t* out) {
  const int length = kAlongX ? size.width : size.height;
  const int stride = kAlongX ? 3 : size.width * 3;
  for_each_pixel(size, [&](int y, int x, int at) {
    const int i = kAlongX ? x : y;
    const int line = kAlongX ? y : x;
    const double position = mul_add(amount, line + 0.5, i + 0.5);
    if (position < 0.0 || position >= length) {
      set_pixel(out + at, kOutside);
      return;
    }
    const int first = static_cast<int>(floor(position - 0.5));
    const double t = position - 0.5 - first;
    const auto tap = [&](int k) {
      return in + at + (clamp(first + k, 0, length - 1) - i) * stride;
    };
    const std::uint8_t *a = tap(-1), *b = tap(0), *c = tap(1), *d = tap(2);
#pragma unroll
    for (int ch = 0; ch < 3; ++ch) out[at + ch] = cubic(a[ch], b[ch], c[ch], d[ch], t);
  });
}

template <bool kAlongX>
__device__ __forceinline__ void translate(ImageSize size, Translation by, const std::uint8_t* in,
                                          std::uint8_t* out) {
  const int length = kAlongX ? size.width : size.height;
  const int stride = kAlongX ? 3 : size.width * 3;
  for_each_pixel(size, [&](int y, int x, int at) {
    const int i = kAlongX ? x : y;
    const int position = i + by.shift + (i >= by.jump ? 1 : 0);
    if (position >= 0 && position < length) {
      set_pixel(out + at, in + at + (position - i) * stride);
    } else {
      set_pixel(out + at, kOutside);
    }
  });
}

__device__ __forceinline__ void rotate(ImageSize size, Rotation by, const std::uint8_t* in,
                                       std::uint8_t* out) {
  for_each_pixel(size, [&](int y, int x, int at) {
    const int column = (by.x0 + x * by.x_dx + y * by.x_dy) >> 16;
    const int row = (by.y0 + x * by.y_dx + y * by.y_dy) >> 16;
    if (column >= 0 && column < size.width && row >= 0 && row < size.height) {
      set_pixel(out + at, in + (row * size.width + column) * 3);
    } else {
      set_pixel(out + at, kOutside);
    }
  });
}

/// Blends with the smoothed image, whose border is the image itself.
__device__ __forceinline__ void sharpness(ImageSize size, float factor, const std::uint8_t* in,
                                          std::uint8_t* out) {
  const int row = size.width * 3;
  for_each_pixel(size, [&](int y, int x, int at) {
    if (y == 0 || y == size.height - 1 || x == 0 || x == size.width - 1) {
      set_pixel(out + at, in + at);
      return;
    }
#pragma unroll
    for (int ch = 0; ch < 3; ++ch) {
      const std::uint8_t* here = in + at + ch;
      const std::uint8_t* above = here - row;
      const std::uint8_t* below = here + row;
      const int sum = above[-3] + above[0] + above[3] + here[-3] + 5 * here[0] + here[3] +
                      below[-3] + below[0] + below[3];
      out[at + ch] = blend((2 * sum + 13) / 26, here[0], factor);
    }
  });
}

// --- Colour: in place ---------------------------------------------------------------------------
__device__ __forceinline__ void color(ImageSize size, float factor, std::uint8_t* image) {
  for_each_pixel(size, [&](int, int, int at) {
    const int grey = luma(image + at);
#pragma unroll
    for (int ch = 0; ch < 3; ++ch) image[at + ch] = blend(grey, image[at + ch], factor);
  });
}

__device__ __forceinline__ void contrast(ImageSize size, float factor, std::uint8_t* image) {
  std::int64_t sum = 0;
  for_each_pixel(size, [&](int, int, int at) { sum += luma(image + at); });
  sum = block_sum<kThreads>(sum);
  const std::int64_t pixels = size.pixels();
  const int mean = static_cast<int>((2 * sum + pixels) / (2 * pixels));  // rounded
  map_values(size, image, [&](int, int v) { return blend(mean, v, factor); });
}

// --- Colour by histogram: in place ---------------------------------------------------------------
/// A lane's share of a channel's histogram: how often each of kLevelsPerLane levels occurs.
struct Bins {
  int count[kLevelsPerLane];
};
/// What these levels become.
using LevelVec = Vec<std::uint8_t, kLevelsPerLane>;

struct ChannelTables {
  int histogram[3][kLevels];
  std::uint8_t table[3][kLevels];
};

/// The highest level that occurs, in every lane of the warp; `first` is the lane's first level.
__device__ __forceinline__ int highest_level(const Bins& bins, int first) {
  int highest = 0;
#pragma unroll
  for (int k = 0; k < kLevelsPerLane; ++k) {
    if (bins.count[k] > 0) highest = first + k;
  }
  return warp_max(highest);
}

__device__ __forceinline__ int lowest_level(const Bins& bins, int first) {
  int above = 0;  // levels above the lowest
#pragma unroll
  for (int k = kLevelsPerLane - 1; k >= 0; --k) {
    if (bins.count[k] > 0) above = kLevels - 1 - (first + k);
  }
  return kLevels - 1 - warp_max(above);
}

__device__ __forceinline__ LevelVec auto_contrast_levels(const Bins& bins, int first) {
  const int low = lowest_level(bins, first);
  const int high = highest_level(bins, first);
  const bool flat = high <= low;
  const double scale = 255.0 / (flat ? 1 : high - low);
  const double offset = -low * scale;
  LevelVec levels;
#pragma unroll
  for (int k = 0; k < kLevelsPerLane; ++k) {
    const int v = first + k;
    const int stretched = static_cast<int>(mul_add(static_cast<double>(v), scale, offset));
    levels.v[k] = static_cast<std::uint8_t>(flat ? v : clamp(stretched, 0, 255));
  }
  return levels;
}

__device__ __forceinline__ LevelVec equalize_levels(const int* histogram, const Bins& bins,
                                                    int first, int pixels) {
  const int step = (pixels - histogram[highest_level(bins, first)]) / 255;
  int here = 0;
#pragma unroll
  for (const int count : bins.count) here += count;
  int up_to_here = here;
#pragma unroll
  for (int lanes = 1; lanes < kWarp; lanes *= 2) {
    const int lower = __shfl_up_sync(kAllLanes, up_to_here, lanes);
    if (static_cast<int>(threadIdx.x % kWarp) >= lanes) up_to_here += lower;
  }
  int below = step / 2 + up_to_here - here;
  LevelVec levels;
#pragma unroll
  for (int k = 0; k < kLevelsPerLane; ++k) {
    levels.v[k] = static_cast<std::uint8_t>(step == 0 ? first + k : min(below / step, 255));
    below += bins.count[k];
  }
  return levels;
}

/// Maps each channel by a table that a warp makes of its histogram.
__device__ __forceinline__ void map_channels(ImageSize size, AugmentKind kind,
                                             std::uint8_t* image) {
  __align__(16) __shared__ ChannelTables channels;
  for (int i = threadIdx.x; i < kLevels; i += kThreads) {
#pragma unroll
    for (int ch = 0; ch < 3; ++ch) channels.histogram[ch][i] = 0;
  }
  __syncthreads();
  for_each_pixel(size, [&](int, int, int at) {
#pragma unroll
    for (int ch = 0; ch < 3; ++ch) atomicAdd(&channels.histogram[ch][image[at + ch]], 1);
  });
  __syncthreads();
  const int warp = threadIdx.x / kWarp;
  if (warp < 3) {
    const int* histogram = channels.histogram[warp];
    const int first = static_cast<int>(threadIdx.x % kWarp) * kLevelsPerLane;
    Bins bins;
#pragma unroll
    for (int k = 0; k < kLevelsPerLane; k += 4) {
      const Vec<int, 4> counts = load_vec<int, 4>(histogram + first + k);
#pragma unroll
      for (int j = 0; j < 4; ++j) bins.count[k + j] = counts.v[j];
    }
    store_vec(channels.table[warp] + first,
              kind == AugmentKind::kEqualize
                  ? equalize_levels(histogram, bins, first, size.pixels())
                  : auto_contrast_levels(bins, first));
  }
  __syncthreads();
  map_values(size, image, [&](int ch, int v) { return channels.table[ch][v]; });
}

// --- Any operation ------------------------------------------------------------------------------
/// The steps that cannot work in place, from `in` to `out`; false if this is none of them.
__device__ __forceinline__ bool transform(const AugmentStep& step, ImageSize size,
                                          const std::uint8_t* in, std::uint8_t* out) {
  switch (step.kind) {
    case AugmentKind::kShearX:
      shear<true>(size, step.shear, in, out);
      return true;
    case AugmentKind::kShearY:
      shear<false>(size, step.shear, in, out);
      return true;
    case AugmentKind::kTranslateX:
      translate<true>(size, step.translation, in, out);
      return true;
    case AugmentKind::kTranslateY:
      translate<false>(size, step.translation, in, out);
      return true;
    case AugmentKind::kRotate:
      rotate(size, step.rotation, in, out);
      return true;
    case AugmentKind::kSharpness:
      sharpness(size, step.factor, in, out);
      return true;
    default:
      return false;
  }
}

/// The steps that work in place; leaves the image alone if this is none of them.
__device__ __forceinline__ void recolor(const AugmentStep& step, ImageSize size,
                                        std::uint8_t* image) {
  const float factor = step.factor;
  const int level = step.level;
  switch (step.kind) {
    case AugmentKind::kColor:
      return color(size, factor, image);
    case AugmentKind::kContrast:
      return contrast(size, factor, image);
    case AugmentKind::kBrightness:
      return map_values(size, image, [&](int, int v) { return blend(0, v, factor); });
    case AugmentKind::kPosterize:
      return map_values(size, image, [&](int, int v) { return v & level; });
    case AugmentKind::kSolarize:
      return map_values(size, image, [&](int, int v) { return v < level ? v : 255 - v; });
    case AugmentKind::kAutoContrast:
    case AugmentKind::kEqualize:
      return map_channels(size, step.kind, image);
    case AugmentKind::kInvert:
      return map_values(size, image, [](int, int v) { return 255 - v; });
    default:
      return;
  }
}

}  // namespace bptplr::kernels::augment_ops
