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
void translate_x(ImageSize size, double columns, const std::uint8_t* in, std::uint8_t* out);
void translate_y(ImageSize size, double rows, const std::uint8_t* in, std::uint8_t* out);
void rotate(ImageSize size, double degrees, const std::uint8_t* in, std::uint8_t* out);
/// What an axis of `length` pixels moves by, and how an image turns: all that is rounded.
Translation translation(int length, double offset);
Rotation rotation(ImageSize size, double degrees);

// Colour (ImageEnhance.py, ImageOps.py, libImaging/Blend.c, Filter.c, Convert.c).
void color(ImageSize size, double factor, const std::uint8_t* in, std::uint8_t* out);
void contrast(ImageSize size, double factor, const std::uint8_t* in, std::uint8_t* out);
void sharpness(ImageSize size, double factor, const std::uint8_t* in, std::uint8_t* out);
void brightness(ImageSize size, double factor, const std::uint8_t* in, std::uint8_t* out);
void posterize(ImageSize size, int bits, const std::uint8_t* in, std::uint8_t* out);
void solarize(ImageSize size, double threshold, const std::uint8_t* in, std::uint8_t* out);
void auto_contrast(ImageSize size, const std::uint8_t* in, std::uint8_t* out);
void equalize(ImageSize size, const std::uint8_t* in, std::uint8_t* out);
void invert(ImageSize size, const std::uint8_t* in, std::uint8_t* out);

}  // namespace bptplr::kernels::cpu
