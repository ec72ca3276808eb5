// Copies of parts of images with zeros around them, so that inner loops need no bounds.
#pragma once

#include <algorithm>
#include <cstdint>

namespace bptplr::kernels::conv {

/// Image [height, width, channels], or the part that a copy holds.
struct Extent {
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t channels = 0;

  std::int64_t floats() const { return height * width * channels; }
};

/// Copies the part of an image whose first pixel is (top, left), either of which may be negative,
/// to `part`; what lies outside of the image, and channels beyond its last, are zeros.
inline void copy_padded(const float* image, const Extent& from, std::int64_t top, std::int64_t left,
                        const Extent& part, float* to) {
  const std::int64_t begin = std::clamp<std::int64_t>(-left, 0, part.width);
  const std::int64_t end = std::clamp<std::int64_t>(from.width - left, begin, part.width);
  for (std::int64_t i = 0; i < part.height; ++i, to += part.width * part.channels) {
    if (top + i < 0 || top + i >= from.height || begin == end) {
      std::fill_n(to, part.width * part.channels, 0.0F);
      continue;
    }
    const float* row = image + ((top + i) * from.width + left + begin) * from.channels;
    std::fill_n(to, begin * part.channels, 0.0F);
    if (from.channels == part.channels) {
      std::copy_n(row, (end - begin) * from.channels, to + begin * part.channels);
    } else {
      for (std::int64_t j = begin; j < end; ++j, row += from.channels) {
        std::copy_n(row, from.channels, to + j * part.channels);
        std::fill_n(to + j * part.channels + from.channels, part.channels - from.channels, 0.0F);
      }
    }
    std::fill_n(to + end * part.channels, (part.width - end) * part.channels, 0.0F);
  }
}

/// Copies the pixels of `part` that lie within an image back to it.
inline void copy_within(const float* strip, const Extent& part, float* image, const Extent& to,
                        std::int64_t top, std::int64_t left, std::int64_t first_channel) {
  const std::int64_t channels = std::min(part.channels, to.channels - first_channel);
  for (std::int64_t i = 0; i < std::min(part.height, to.height - top); ++i) {
    for (std::int64_t j = 0; j < std::min(part.width, to.width - left); ++j) {
      std::copy_n(strip + (i * part.width + j) * part.channels, channels,
                  image + ((top + i) * to.width + left + j) * to.channels + first_channel);
    }
  }
}

}  // namespace bptplr::kernels::conv
