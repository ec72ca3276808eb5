// Plans become programs, with the numbers that Pillow computes (libImaging/Geometry.c,
// Image.rotate). Whatever needs libm or a sum in one fixed order happens here, once an image; what
// is left for a device is exact or rounds the same everywhere.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "kernels/augment.hpp"
#include "kernels/cpu/augment/ops.hpp"

namespace bptplr::kernels {
namespace {

using cpu::ImageSize;

/// Python's round(value, 15), which Image.rotate applies to its matrix.
double round_15_digits(double value) {
  return std::nearbyint(value * 1e15) / 1e15;
}

/// Signed 16.16 fixed point.
int to_fixed(double value) {
  return static_cast<int>(std::floor(value * 65536.0 + 0.5));
}

/// What an axis of `length` pixels moves by.
Translation translation(int length, double offset) {
  // Pillow adds 1.0 a pixel, so the position carries the same rounding: a sum may be rounded up to
  // an integer. That happens at most once, since the sums after it are exact.
  constexpr double kFar = 1 << 14;  // beyond both ends of any axis
  double position = offset + 0.5;
  const int shift = static_cast<int>(std::floor(std::clamp(position, -kFar, kFar)));
  int jump = 0;
  while (jump < length && std::floor(position) == jump + shift) {
    ++jump;
    position += 1.0;
  }
  return {shift, jump};
}

/// How an image turns.
Rotation rotation(ImageSize size, double degrees) {
  double turn = std::fmod(degrees, 360.0);
  if (turn < 0.0) turn += 360.0;
  const double radians = -(turn * (std::numbers::pi / 180.0));
  const double cosine = round_15_digits(std::cos(radians));
  const double sine = round_15_digits(std::sin(radians));
  const double center_x = size.width / 2.0;
  const double center_y = size.height / 2.0;
  const double offset_x = cosine * -center_x + sine * -center_y + center_x;
  const double offset_y = -sine * -center_x + cosine * -center_y + center_y;
  Rotation turned;
  turned.x0 = to_fixed(offset_x + cosine * 0.5 + sine * 0.5);
  turned.x_dx = to_fixed(cosine);
  turned.x_dy = to_fixed(sine);
  turned.y0 = to_fixed(offset_y + -sine * 0.5 + cosine * 0.5);
  turned.y_dx = to_fixed(-sine);
  turned.y_dy = to_fixed(cosine);
  return turned;
}

AugmentStep prepare_step(const AugmentOp& op, ImageSize size) {
  AugmentStep step;
  step.kind = op.kind;
  switch (op.kind) {
    case AugmentKind::kShearX:
    case AugmentKind::kShearY:
      step.shear = op.argument;
      break;
    case AugmentKind::kTranslateX:
      step.translation = translation(size.width, op.argument);
      break;
    case AugmentKind::kTranslateY:
      step.translation = translation(size.height, op.argument);
      break;
    case AugmentKind::kRotate:
      step.rotation = rotation(size, op.argument);
      break;
    case AugmentKind::kColor:
    case AugmentKind::kContrast:
    case AugmentKind::kSharpness:
    case AugmentKind::kBrightness:
      step.factor = static_cast<float>(op.argument);
      break;
    case AugmentKind::kPosterize:
      step.level = ~((1 << (8 - static_cast<int>(op.argument))) - 1);
      break;
    case AugmentKind::kSolarize:
      step.level = static_cast<std::int32_t>(std::ceil(std::clamp(op.argument, 0.0, 256.0)));
      break;
    case AugmentKind::kNone:
    case AugmentKind::kAutoContrast:
    case AugmentKind::kEqualize:
    case AugmentKind::kInvert:
      break;
  }
  return step;
}

}  // namespace

AugmentProgram prepare(const AugmentPlan& plan, int crop_height, int crop_width) {
  const ImageSize size{crop_height, crop_width};
  return {plan.crop_x,
          plan.crop_y,
          plan.flip,
          {prepare_step(plan.ops[0], size), prepare_step(plan.ops[1], size)}};
}

}  // namespace bptplr::kernels
