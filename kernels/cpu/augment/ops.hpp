// The image operations behind augment.hpp, each on one uint8 HWC RGB image. `in` and `out` must not
// overlap. Sources: the C and Python files of Pillow 9.4 named at each group.
#pragma once

#include <cstdint>

#include "kernels/augment.hpp"

namespace bptplr::kernels::cpu {

struct ImageSize {
  int height;
  int width;

  int pixels() const { return height * width; }
  int bytes() const { return pixels() * 3; }
};

/// Fills what an operation brings in from outside the image.
inline constexpr std::uint8_t kOutside = 128;

// Geometry (libImaging/Geometry.c, Image.rotate).
void shear_x(ImageSize size, double shear, const std::uint8_t* in, std::uint8_t* out);
void shear_y(ImageSize size, double shear, const std::uint8_t* in, std::uint8_t* out);
void translate_x(ImageSize size, Translation moved, const std::uint8_t* in, std::uint8_t* out);
void translate_y(ImageSize size, Translation moved, const std::uint8_t* in, std::uint8_t* out);
void rotate(ImageSize size, const Rotation& turned, const std::uint8_t* in, std::uint8_t* out);

// Colour (ImageEnhance.py, ImageOps.py, libImaging/Blend.c, Filter.c, Convert.c).
void color(ImageSize size, float factor, const std::uint8_t* in, std::uint8_t* out);
void contrast(ImageSize size, float factor, const std::uint8_t* in, std::uint8_t* out);
void sharpness(ImageSize size, float factor, const std::uint8_t* in, std::uint8_t* out);
void brightness(ImageSize size, float factor, const std::uint8_t* in, std::uint8_t* out);
void posterize(ImageSize size, int mask, const std::uint8_t* in, std::uint8_t* out);
void solarize(ImageSize size, int threshold, const std::uint8_t* in, std::uint8_t* out);
void auto_contrast(ImageSize size, const std::uint8_t* in, std::uint8_t* out);
void equalize(ImageSize size, const std::uint8_t* in, std::uint8_t* out);
void invert(ImageSize size, const std::uint8_t* in, std::uint8_t* out);

}  // namespace bptplr::kernels::cpu
