// Shear, translation and rotation as Pillow computes them (libImaging/Geometry.c).
//
// All three map an output pixel's centre back into the input. A shear or a translation along one
// axis leaves the other coordinate as it is, so both are written once, over `Axis`: positions along
// it and the lines across it. For the shear this is not an approximation: Pillow's two-dimensional
// cubic filter with a fraction of exactly 0 on one axis returns exactly the one-dimensional result.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/cpu/augment/ops.hpp"

namespace bptplr::kernels::cpu {
namespace {

/// An axis of the image: `length` pixels `stride` bytes apart, on `lines` lines `line_stride`
/// apart.
struct Axis {
  int length;
  int stride;
  int lines;
  int line_stride;
};

Axis along_x(ImageSize size) {
  return {size.width, 3, size.height, size.width * 3};
}
Axis along_y(ImageSize size) {
  return {size.height, size.width * 3, size.width, 3};
}

void copy_pixel(const std::uint8_t* in, std::uint8_t* out) {
  out[0] = in[0];
  out[1] = in[1];
  out[2] = in[2];
}

std::uint8_t truncate_to_byte(double value) {
  return static_cast<std::uint8_t>(std::clamp(value, 0.0, 255.0));
}

/// Cubic interpolation at fraction t between b and c (macro BICUBIC).
double cubic(double a, double b, double c, double d, double t) {
  const double p2 = -a + c;
  const double p3 = 2 * (a - b) + c - d;
  const double p4 = -a + b - c + d;
  return b + t * (p2 + t * (p3 + t * p4));
}

void shear(Axis axis, double shear, const std::uint8_t* in, std::uint8_t* out) {
  const auto tap = [&](int position) {
    return std::clamp(position, 0, axis.length - 1) * axis.stride;
  };
  for (int line = 0; line < axis.lines; ++line) {
    const double shift = shear * (line + 0.5);
    const std::uint8_t* from = in + line * axis.line_stride;
    std::uint8_t* to = out + line * axis.line_stride;
    for (int i = 0; i < axis.length; ++i, to += axis.stride) {
      const double position = (i + 0.5) + shift;
      if (position < 0.0 || position >= axis.length) continue;
      const int first = static_cast<int>(std::floor(position - 0.5));
      const double t = position - 0.5 - first;
      const std::uint8_t* a = from + tap(first - 1);
      const std::uint8_t* b = from + tap(first);
      const std::uint8_t* c = from + tap(first + 1);
      const std::uint8_t* d = from + tap(first + 2);
      for (int ch = 0; ch < 3; ++ch) {
        to[ch] = truncate_to_byte(cubic(a[ch], b[ch], c[ch], d[ch], t));
      }
    }
  }
}

void translate(Axis axis, Translation moved, const std::uint8_t* in, std::uint8_t* out) {
  for (int i = 0; i < axis.length; ++i) {
    const int position = i + moved.shift + (i >= moved.jump ? 1 : 0);
    if (position < 0 || position >= axis.length) continue;
    const std::uint8_t* from = in + position * axis.stride;
    std::uint8_t* to = out + i * axis.stride;
    for (int line = 0; line < axis.lines; ++line) {
      copy_pixel(from + line * axis.line_stride, to + line * axis.line_stride);
    }
  }
}

void fill_outside(ImageSize size, std::uint8_t* out) {
  std::memset(out, kOutside, static_cast<std::size_t>(size.bytes()));
}

}  // namespace

void shear_x(ImageSize size, double amount, const std::uint8_t* in, std::uint8_t* out) {
  fill_outside(size, out);
  shear(along_x(size), amount, in, out);
}

void shear_y(ImageSize size, double amount, const std::uint8_t* in, std::uint8_t* out) {
  fill_outside(size, out);
  shear(along_y(size), amount, in, out);
}

void translate_x(ImageSize size, Translation moved, const std::uint8_t* in, std::uint8_t* out) {
  fill_outside(size, out);
  translate(along_x(size), moved, in, out);
}

void translate_y(ImageSize size, Translation moved, const std::uint8_t* in, std::uint8_t* out) {
  fill_outside(size, out);
  translate(along_y(size), moved, in, out);
}

void rotate(ImageSize size, const Rotation& turned, const std::uint8_t* in, std::uint8_t* out) {
  int row_x = turned.x0;
  int row_y = turned.y0;
  fill_outside(size, out);
  for (int y = 0; y < size.height; ++y, row_x += turned.x_dy, row_y += turned.y_dy) {
    int from_x = row_x;
    int from_y = row_y;
    for (int x = 0; x < size.width; ++x, out += 3, from_x += turned.x_dx, from_y += turned.y_dx) {
      const int column = from_x >> 16;
      const int row = from_y >> 16;
      if (column < 0 || column >= size.width || row < 0 || row >= size.height) continue;
      copy_pixel(in + (row * size.width + column) * 3, out);
    }
  }
}

}  // namespace bptplr::kernels::cpu
