// The samples of an iteration of semi-supervised training, and how network k's forward passes over
// them are told apart.
#pragma once

#include <cstdint>
#include <vector>

#include "bpt_plr/method/ops.hpp"
#include "models/network.hpp"

namespace bptplr {

/// Numbers that may differ from one iteration to the next.
struct IterationScalars {
  double lr = 0.02;
  double mix = 1.0;       ///< MixUp weight l, max(l, 1 - l)
  double lambda_u = 0.0;  ///< weight of L_U, ramped up already
  double penalty = 1.0;   ///< weight of R

  /// float64 [5] on the CPU: lr, mix, weights of L_X, L_U and R.
  Tensor to_tensor() const {
    return Tensor::from(std::vector{lr, mix, 1.0, lambda_u, penalty}, {5});
  }
};

/// The forward passes of network k, in training mode and in this order; not every iteration has
/// all. The first takes u1, u2 and, where it can, x1 and x2 too.
enum class Pass : std::uint32_t { kWeak, kWeakX, kCombined, kContrast, kContrast2 };

/// B_x labelled and B_u unlabelled samples with their views, all on one device. Either number may
/// be 0.
struct IterationBatch {
  Tensor weak;               ///< u1, u2, x1, x2: [2 B_u + 2 B_x, h, w, 3]
  Tensor combined;           ///< [M or 2 M, h, w, 3] with M = 2 B_x + 2 B_u; the first M rows are
                             ///< room for the mixture, the others hold the strong views x3, x4,
                             ///< u3, u4 where anything asks for them
  Tensor labels;             ///< int64 [B_x] noisy labels
  Tensor clean_probability;  ///< float32 [B_x] w
  ClassSets class_sets;      ///< of the B_x + B_u samples, labelled first; where anything asks
  Tensor permutation;        ///< int64 [M]
  Tensor scalars;            ///< float64 [5], see IterationScalars::to_tensor
  DropoutKey dropout;        ///< the forward passes number themselves

  std::int64_t size_x() const { return labels.size(0); }
  std::int64_t size_u() const { return weak.size(0) / 2 - size_x(); }
  /// M
  std::int64_t mixed_rows() const { return weak.size(0); }
  Tensor mixed() const { return combined.rows(0, mixed_rows()); }
  /// x3, x4, u3, u4: [M, h, w, 3]
  Tensor strong() const { return combined.rows(mixed_rows(), 2 * mixed_rows()); }

  Tensor lr() const { return scalars.rows(0, 1); }
  Tensor mix() const { return scalars.rows(1, 2); }
  Tensor coefficients() const { return scalars.rows(2, 5); }

  /// `groups`: batches of their own in the pass.
  ForwardMode training_mode(Pass pass, std::int64_t groups = 1) const {
    return {true, groups, dropout.of_pass(static_cast<std::uint32_t>(pass))};
  }
};

}  // namespace bptplr
