// Images of an iteration on the networks' device, and the numbering of its forward passes.
#pragma once

#include <cstdint>

#include "bpt_plr/method/batch.hpp"
#include "bpt_plr/method/ops.hpp"
#include "models/network.hpp"

namespace bptplr {

/// Views of a batch on this rank, M of them weak: M = 2 own_x + 2 own_u, in the warm-up own_x.
struct StepViews {
  Tensor weak;      ///< u1, u2, x1, x2, in the warm-up x1: [M, h, w, 3]
  Tensor strong;    ///< x3, x4, u3, u4: [M, ...]; in the warm-up x3, x4: [2 M, ...];
                    ///< undefined if not needed
  Tensor combined;  ///< memory of the mixture, M rows, and behind it `strong`; undefined in the
                    ///< warm-up
  Tensor partners;  ///< MixUp partner of each row, [M, ...]; undefined without ranks
  ClassSets
      class_sets;  ///< of the B_x + B_u samples, labelled first; where the contrast needs them

  std::int64_t rows() const { return weak.size(0); }
  Tensor mixed() const { return combined.rows(0, rows()); }
};

/// Forward passes of network k, in their order; not every iteration has all. Each draws its dropout
/// from a stream of its own.
enum class Pass : std::uint32_t { kWeak, kWeakX, kCombined, kContrast, kContrast2 };

/// Forward passes of the warm-up, alike.
enum class WarmUpPass : std::uint32_t { kWeak, kStrong };

/// Returns the mode of a training pass over `groups` batches with statistics of their own.
template <class AnyPass>
ForwardMode training_mode(const Batch& batch, AnyPass pass, Shards shards,
                          std::int64_t groups = 1) {
  return {true, groups, batch.dropout.of_pass(static_cast<std::uint32_t>(pass)), std::move(shards),
          batch.sync_batch_norm};
}

/// Writes the MixUp of `rows`, this rank's, and their partners to `out`.
void mix_views(const Tensor& rows, const Batch& batch, const StepViews& views, Tensor out);

}  // namespace bptplr
