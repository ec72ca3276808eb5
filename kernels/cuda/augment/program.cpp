// The host's part of the augmentation on a GPU: plans become programs, with the numbers that the
// CPU implementation computes. Whatever needs libm or a sum in one fixed order happens here, once
// an image; what is left for the device is exact or rounds the same everywhere.
#include <algorithm>
#include <cmath>

#include "kernels/augment.hpp"
#include "kernels/cpu/augment/ops.hpp"

namespace bptplr::kernels {
namespace {

AugmentStep prepare_step(const AugmentOp& op, cpu::ImageSize size) {
  AugmentStep step;
  step.kind = op.kind;
  switch (op.kind) {
    case AugmentKind::kShearX:
    case AugmentKind::kShearY:
      step.shear = op.argument;
      break;
    case AugmentKind::kTranslateX:
      step.translation = cpu::translation(size.width, op.argument);
      break;
    case AugmentKind::kTranslateY:
      step.translation = cpu::translation(size.height, op.argument);
      break;
    case AugmentKind::kRotate:
      step.rotation = cpu::rotation(size, op.argument);
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
  const cpu::ImageSize size{crop_height, crop_width};
  return {plan.crop_x,
          plan.crop_y,
          plan.flip,
          {prepare_step(plan.ops[0], size), prepare_step(plan.ops[1], size)}};
}

}  // namespace bptplr::kernels
