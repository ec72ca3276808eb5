// Training views of uint8 images: crop, flip, up to two AutoAugment operations, normalisation.
//
// Every operation gives the bytes that Pillow 9.4 gives, because published results and common
// baselines are trained on those: its truncations, its 16-bit luma weights, its fixed-point
// rotation, its unchanged border under the smoothing filter. All randomness is drawn before: an
// AugmentPlan fully describes the view of one image, so a view is a pure function of (image, plan),
// on any device.
#pragma once

#include <array>
#include <cstdint>

#include "kernels/context.hpp"

namespace bptplr::kernels {

/// Image operation. The comment of a value gives the meaning of AugmentOp::argument.
enum class AugmentKind : std::int32_t {
  kNone,          ///< leaves the image as it is
  kShearX,        ///< columns per row; bicubic, 128 outside
  kShearY,        ///< rows per column; bicubic, 128 outside
  kTranslateX,    ///< columns, positive moves the content left; nearest, 128 outside
  kTranslateY,    ///< rows, positive moves the content up; nearest, 128 outside
  kRotate,        ///< degrees counter-clockwise about the centre; nearest, 128 outside
  kColor,         ///< factor f: grey + f (image - grey)
  kContrast,      ///< factor f: mean grey + f (image - mean grey)
  kSharpness,     ///< factor f: smoothed + f (image - smoothed)
  kBrightness,    ///< factor f: f image
  kPosterize,     ///< bits kept of each value, an integer in 1..8
  kSolarize,      ///< threshold: values v >= threshold become 255 - v
  kAutoContrast,  ///< none: each channel stretched to 0..255
  kEqualize,      ///< none: each channel's histogram made flat
  kInvert,        ///< none: v becomes 255 - v
};

struct AugmentOp {
  AugmentKind kind = AugmentKind::kNone;
  double argument = 0.0;
};

/// Operations on one image, in this order: crop, flip, ops[0], ops[1].
struct AugmentPlan {
  /// Pixel (y, x) of the crop comes from (y + crop_y, x + crop_x) of the image and is 0 outside.
  std::int32_t crop_x = 0;
  std::int32_t crop_y = 0;
  bool flip = false;  ///< mirror left and right, after the crop
  std::array<AugmentOp, 2> ops{};
};

/// Shape of `count` crops of images of height x width RGB pixels; all sides below 8192.
struct AugmentShape {
  std::int64_t count;
  int height;
  int width;
  int crop_height;
  int crop_width;
};

// Kernels receive programs, which the host prepares from plans, so that no result depends on how a
// device's libm rounds a sine.

/// Translation along an axis: position i shows position i + shift of the input, or i + shift + 1
/// from i = jump on, where the position that Pillow accumulates has been rounded up to the next
/// integer.
struct Translation {
  std::int32_t shift = 0;
  std::int32_t jump = 0;
};

/// Rotation in signed 16.16 fixed point: pixel (y, x) shows the input's column (x0 + x * x_dx + y *
/// x_dy) >> 16 and row (y0 + x * y_dx + y * y_dy) >> 16.
struct Rotation {
  std::int32_t x0 = 0, x_dx = 0, x_dy = 0;
  std::int32_t y0 = 0, y_dx = 0, y_dy = 0;
};

/// AugmentOp for crops of one size. Which members are set depends on `kind`.
struct AugmentStep {
  AugmentKind kind = AugmentKind::kNone;
  float factor = 0.0F;  ///< for kColor, kContrast, kSharpness, kBrightness
  std::int32_t level =
      0;  ///< kPosterize: a mask of the bits kept; kSolarize: the least value inverted
  Translation translation;  ///< for kTranslateX, kTranslateY
  Rotation rotation;        ///< for kRotate
  double shear = 0.0;       ///< for kShearX, kShearY
};

/// AugmentPlan for crops of one size, as kernels execute it. Trivially copyable.
struct AugmentProgram {
  std::int32_t crop_x = 0;
  std::int32_t crop_y = 0;
  bool flip = false;
  AugmentStep steps[2];  // not std::array, which code on a device cannot index
};

/// Returns the program of `plan` for crops of crop_height x crop_width pixels.
AugmentProgram prepare(const AugmentPlan& plan, int crop_height, int crop_width);

/// Computes out[i] = (programs[i] applied to images[indices[i]]), then (p / 255 - mean[c]) /
/// std[c]. images: uint8 [any, height, width, 3]; indices, programs: [count]; mean, std: [3], on
/// the host; out: [count, crop_height, crop_width, 3], float, or that float as double on a CPU or
/// rounded to bfloat16 on a GPU. Uses the workspace for crops with a side above 64 on a CPU; on a
/// GPU if image or crop exceeds 100 KiB (184 x 184 pixels do not), at most 256 MiB or what one crop
/// needs.
template <class Context, class T>
void augment_batch(const Context& ctx, const AugmentShape& shape, const std::uint8_t* images,
                   const std::int64_t* indices, const AugmentProgram* programs, const float* mean,
                   const float* std, T* out);

/// Computes crops as the other augment_batch does, without normalisation: out is uint8 [count,
/// crop_height, crop_width, 3].
template <class Context>
void augment_batch(const Context& ctx, const AugmentShape& shape, const std::uint8_t* images,
                   const std::int64_t* indices, const AugmentProgram* programs, std::uint8_t* out);

}  // namespace bptplr::kernels
