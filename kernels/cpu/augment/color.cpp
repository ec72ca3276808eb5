// The colour operations as Pillow computes them (ImageEnhance.py, ImageOps.py, libImaging/Blend.c,
// Filter.c, Convert.c). Those that map each value by itself build a table of 256 bytes a channel.
#include <algorithm>
#include <array>
#include <cstring>

#include "kernels/cpu/augment/ops.hpp"

namespace bptplr::kernels::cpu {
namespace {

using Table = std::array<std::uint8_t, 256>;
using Histogram = std::array<int, 256>;

/// ImagingBlend: in float32, truncated. Pillow clips only when it extrapolates; between the two
/// values there is nothing to clip.
std::uint8_t blend(int degenerate, int value, float factor) {
  const float mixed =
      static_cast<float>(degenerate) + factor * static_cast<float>(value - degenerate);
  return static_cast<std::uint8_t>(std::clamp(mixed, 0.0F, 255.0F));
}

/// ITU-R 601 luma with 16-bit weights (macro L24).
int luma(const std::uint8_t* pixel) {
  return (pixel[0] * 19595 + pixel[1] * 38470 + pixel[2] * 7471 + 0x8000) >> 16;
}

template <class Fn>
Table make_table(Fn&& fn) {
  Table table;
  for (int v = 0; v < 256; ++v)
    table[static_cast<std::size_t>(v)] = static_cast<std::uint8_t>(fn(v));
  return table;
}

void map_values(ImageSize size, const Table& table, const std::uint8_t* in, std::uint8_t* out) {
  for (int i = 0; i < size.bytes(); ++i) out[i] = table[in[i]];
}

/// Maps each channel by the table that `table_of` makes of its histogram.
template <class Fn>
void map_channels(ImageSize size, Fn&& table_of, const std::uint8_t* in, std::uint8_t* out) {
  std::array<Histogram, 3> histograms{};
  for (int i = 0; i < size.bytes(); i += 3) {
    for (std::size_t c = 0; c < 3; ++c) ++histograms[c][in[i + static_cast<int>(c)]];
  }
  const std::array<Table, 3> tables{table_of(histograms[0]), table_of(histograms[1]),
                                    table_of(histograms[2])};
  for (int i = 0; i < size.bytes(); i += 3) {
    for (std::size_t c = 0; c < 3; ++c) {
      const int at = i + static_cast<int>(c);
      out[at] = tables[c][in[at]];
    }
  }
}

Table identity() {
  return make_table([](int v) { return v; });
}

Table auto_contrast_table(const Histogram& histogram) {
  const auto occurs = [](int count) { return count > 0; };
  const auto lowest = std::find_if(histogram.begin(), histogram.end(), occurs);
  const auto highest = std::find_if(histogram.rbegin(), histogram.rend(), occurs);
  const int low = static_cast<int>(lowest - histogram.begin());
  const int high = 255 - static_cast<int>(highest - histogram.rbegin());
  if (high <= low) return identity();
  const double scale = 255.0 / (high - low);
  const double offset = -low * scale;
  return make_table(
      [=](int v) { return std::clamp(static_cast<int>(v * scale + offset), 0, 255); });
}

Table equalize_table(const Histogram& histogram) {
  int total = 0;
  int last = 0;
  for (const int count : histogram) {
    total += count;
    if (count > 0) last = count;
  }
  const int step = (total - last) / 255;
  if (step == 0) return identity();
  int below = step / 2;
  return make_table([&](int v) {
    const int level = std::min(below / step, 255);
    below += histogram[static_cast<std::size_t>(v)];
    return level;
  });
}

}  // namespace

void color(ImageSize size, float factor, const std::uint8_t* in, std::uint8_t* out) {
  for (int i = 0; i < size.bytes(); i += 3) {
    const int grey = luma(in + i);
    for (int c = i; c < i + 3; ++c) out[c] = blend(grey, in[c], factor);
  }
}

void contrast(ImageSize size, float factor, const std::uint8_t* in, std::uint8_t* out) {
  std::int64_t sum = 0;
  for (int i = 0; i < size.bytes(); i += 3) sum += luma(in + i);
  const int mean = static_cast<int>((2 * sum + size.pixels()) / (2 * size.pixels()));  // rounded
  map_values(size, make_table([=](int v) { return blend(mean, v, factor); }), in, out);
}

void sharpness(ImageSize size, float factor, const std::uint8_t* in, std::uint8_t* out) {
  // The border of the smoothed image is the image itself (Filter.c copies it), and blending a value
  // with itself changes nothing.
  std::memcpy(out, in, static_cast<std::size_t>(size.bytes()));
  const int row = size.width * 3;
  for (int y = 1; y < size.height - 1; ++y) {
    const std::uint8_t* above = in + (y - 1) * row;
    const std::uint8_t* here = above + row;
    const std::uint8_t* below = here + row;
    for (int i = 3; i < row - 3; ++i) {
      const int sum = above[i - 3] + above[i] + above[i + 3] + here[i - 3] + 5 * here[i] +
                      here[i + 3] + below[i - 3] + below[i] + below[i + 3];
      // Filter.c truncates sum/13 + 0.5 in float32. 13 is odd, so the exact value is at least 1/26
      // away from where truncation jumps, and integers give the same.
      out[y * row + i] = blend((2 * sum + 13) / 26, here[i], factor);
    }
  }
}

void brightness(ImageSize size, float factor, const std::uint8_t* in, std::uint8_t* out) {
  map_values(size, make_table([=](int v) { return blend(0, v, factor); }), in, out);
}

void posterize(ImageSize size, int mask, const std::uint8_t* in, std::uint8_t* out) {
  map_values(size, make_table([=](int v) { return v & mask; }), in, out);
}

void solarize(ImageSize size, int threshold, const std::uint8_t* in, std::uint8_t* out) {
  map_values(size, make_table([=](int v) { return v < threshold ? v : 255 - v; }), in, out);
}

void auto_contrast(ImageSize size, const std::uint8_t* in, std::uint8_t* out) {
  map_channels(size, auto_contrast_table, in, out);
}

void equalize(ImageSize size, const std::uint8_t* in, std::uint8_t* out) {
  map_channels(size, equalize_table, in, out);
}

void invert(ImageSize size, const std::uint8_t* in, std::uint8_t* out) {
  map_values(size, make_table([](int v) { return 255 - v; }), in, out);
}

}  // namespace bptplr::kernels::cpu
