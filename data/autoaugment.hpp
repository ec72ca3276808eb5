// AutoAugment policy for CIFAR-10 (Cubuk et al., "AutoAugment: Learning Augmentation Policies from
// Data", CVPR 2019, table 7), with the magnitudes and signs of the commonly used implementation
// (DeepVoltaire/AutoAugment).
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "engine/random.hpp"
#include "kernels/augment.hpp"

namespace bptplr {

/// Operation of a sub-policy, applied with `probability` at strength `level` (0..9).
struct PolicyOp {
  double probability;
  kernels::AugmentKind kind;
  int level;
};

using SubPolicy = std::array<PolicyOp, 2>;

/// Returns the 25 sub-policies, in the order of the paper.
std::span<const SubPolicy, 25> cifar10_policy();

/// Returns the operation at `level` for an image of height x width pixels. `sign` (+1 or -1) is the
/// direction of shears and translations, and decides whether a colour, contrast, sharpness or
/// brightness factor is above or below 1; other operations ignore it.
kernels::AugmentOp make_op(kernels::AugmentKind kind, int level, int sign, int height, int width);

/// Draws one of the 25 sub-policies, which of its operations are applied, and their signs.
std::array<kernels::AugmentOp, 2> draw_cifar10_policy(Philox& random, int height, int width);

}  // namespace bptplr
