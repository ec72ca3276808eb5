#include "data/autoaugment.hpp"

#include <cmath>

namespace bptplr {
namespace {

using kernels::AugmentKind;
using enum kernels::AugmentKind;

constexpr std::array<SubPolicy, 25> kCifar10Policy{{
    {{{0.1, kInvert, 7}, {0.2, kContrast, 6}}},
    {{{0.7, kRotate, 2}, {0.3, kTranslateX, 9}}},
    {{{0.8, kSharpness, 1}, {0.9, kSharpness, 3}}},
    {{{0.5, kShearY, 8}, {0.7, kTranslateY, 9}}},
    {{{0.5, kAutoContrast, 8}, {0.9, kEqualize, 2}}},
    {{{0.2, kShearY, 7}, {0.3, kPosterize, 7}}},
    {{{0.4, kColor, 3}, {0.6, kBrightness, 7}}},
    {{{0.3, kSharpness, 9}, {0.7, kBrightness, 9}}},
    {{{0.6, kEqualize, 5}, {0.5, kEqualize, 1}}},
    {{{0.6, kContrast, 7}, {0.6, kSharpness, 5}}},
    {{{0.7, kColor, 7}, {0.5, kTranslateX, 8}}},
    {{{0.3, kEqualize, 7}, {0.4, kAutoContrast, 8}}},
    {{{0.4, kTranslateY, 3}, {0.2, kSharpness, 6}}},
    {{{0.9, kBrightness, 6}, {0.2, kColor, 8}}},
    {{{0.5, kSolarize, 2}, {0.0, kInvert, 3}}},
    {{{0.2, kEqualize, 0}, {0.6, kAutoContrast, 0}}},
    {{{0.2, kEqualize, 8}, {0.6, kEqualize, 4}}},
    {{{0.9, kColor, 9}, {0.6, kEqualize, 6}}},
    {{{0.8, kAutoContrast, 4}, {0.2, kSolarize, 8}}},
    {{{0.1, kBrightness, 3}, {0.7, kColor, 0}}},
    {{{0.4, kSolarize, 5}, {0.9, kAutoContrast, 3}}},
    {{{0.9, kTranslateY, 9}, {0.7, kTranslateY, 9}}},
    {{{0.9, kAutoContrast, 2}, {0.8, kSolarize, 3}}},
    {{{0.8, kEqualize, 8}, {0.1, kInvert, 3}}},
    {{{0.7, kTranslateY, 9}, {0.9, kAutoContrast, 1}}},
}};

/// Returns numpy.linspace(start, stop, 10)[level], bit for bit.
double ten_steps(double start, double stop, int level) {
  return level == 9 ? stop : level * ((stop - start) / 9) + start;
}

}  // namespace

std::span<const SubPolicy, 25> cifar10_policy() {
  return kCifar10Policy;
}

kernels::AugmentOp make_op(AugmentKind kind, int level, int sign, int height, int width) {
  switch (kind) {
    case kShearX:
    case kShearY:
      return {kind, ten_steps(0.0, 0.3, level) * sign};
    case kTranslateX:
      return {kind, ten_steps(0.0, 150.0 / 331.0, level) * width * sign};
    case kTranslateY:
      return {kind, ten_steps(0.0, 150.0 / 331.0, level) * height * sign};
    case kRotate:
      return {kind, ten_steps(0.0, 30.0, level)};
    case kColor:
    case kContrast:
    case kSharpness:
    case kBrightness:
      return {kind, 1.0 + ten_steps(0.0, 0.9, level) * sign};
    case kPosterize:
      return {kind, std::nearbyint(ten_steps(8.0, 4.0, level))};
    case kSolarize:
      return {kind, ten_steps(256.0, 0.0, level)};
    case kNone:
    case kAutoContrast:
    case kEqualize:
    case kInvert:
      break;
  }
  return {kind, 0.0};
}

std::array<kernels::AugmentOp, 2> draw_cifar10_policy(Philox& random, int height, int width) {
  const SubPolicy& policy = kCifar10Policy[random.below(kCifar10Policy.size())];
  std::array<kernels::AugmentOp, 2> ops{};
  for (std::size_t i = 0; i < ops.size(); ++i) {
    const bool applied = random.uniform_double() < policy[i].probability;
    const int sign = random.below(2) == 0 ? -1 : 1;
    if (applied) ops[i] = make_op(policy[i].kind, policy[i].level, sign, height, width);
  }
  return ops;
}

}  // namespace bptplr
