// Images of an iteration on the networks' device, and the numbering of its forward passes.
#pragma once

#include <cstdint>

#include "bpt_plr/method/batch.hpp"
#include "bpt_plr/method/ops.hpp"
#include "models/network.hpp"

namespace bptplr {

/// Views of a batch, M of them weak: M = 2 B_x + 2 B_u, in the warm-up B_x.
struct StepViews {
  Tensor weak;      ///< u1, u2, x1, x2, in the warm-up x1: [M, h, w, 3]
  Tensor combined;  ///< M rows of room for the mixture, then, where strong views are needed, M
                    ///< rows x3, x4, u3, u4; in the warm-up 2 M rows x3, x4 without a mixture
  ClassSets
      class_sets;  ///< of the B_x + B_u samples, labelled first; where the contrast needs them

  std::int64_t rows() const { return weak.size(0); }
  Tensor mixed() const { return combined.rows(0, rows()); }
  /// Returns x3, x4, u3, u4: [M, h, w, 3].
  Tensor strong() const { return combined.rows(rows(), 2 * rows()); }
};

/// Forward passes of the trained network, in order; an iteration may skip some. Each has its own
/// dropout stream.
enum class Pass : std::uint32_t {
  kWeak,
  kWeakX,
  kCombined,
  kContrast,
  kContrast2,
  kWarmUpStrong = 1  ///< the second pass of a warm-up
};

/// Returns the mode of a training pass over `groups` batches with separate statistics.
inline ForwardMode training_mode(const Batch& batch, Pass pass, std::int64_t groups = 1) {
  return {true, groups, batch.dropout.of_pass(static_cast<std::uint32_t>(pass))};
}

}  // namespace bptplr
