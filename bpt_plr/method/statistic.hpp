// Step 1 of an epoch: measures how strongly the networks disagree with each sample's label.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "bpt_plr/method/evidence.hpp"
#include "bpt_plr/recipe/recipe.hpp"
#include "engine/io/safetensors.hpp"

namespace bptplr {

/// Evidence of the samples, computed epoch by epoch.
class Statistic {
 public:
  virtual ~Statistic() = default;

  /// Returns one evidence per network, or one of all networks together, from their outputs in
  /// `epoch`. Epochs do not decrease; repeating one replaces its earlier result.
  virtual std::vector<Evidence> update(std::int64_t epoch,
                                       std::span<const KeptOutputs* const> networks,
                                       std::span<const std::int64_t> noisy_labels) = 0;

  /// Adds the state that later epochs need to the map, on the CPU.
  virtual void save(TensorMap&) const {}
  /// Restores what `save` wrote.
  virtual void load(const TensorMap&) {}
};

/// Creates the statistic that a resolved recipe names, other than `none`.
/// - `ce`: CE(z, y), scaled to [0, 1], mean over the last `loss_history` epochs (DivideMix, Li et
///   al., ICLR 2020)
/// - `ce_prototype`: that of `ce` and CE(s, y) of this epoch (PLReMix, arXiv 2402.17589)
/// - `jsd`: Jensen-Shannon distance between the label and the mean prediction of both networks
///   (UNICON, Karim et al., CVPR 2022)
std::unique_ptr<Statistic> make_statistic(const Recipe& recipe);

/// Returns CE(z_i, y_i) of logits [n, C], scaled to [0, 1] over the samples; float32 [n].
Tensor normalized_loss(const Tensor& logits, std::span<const std::int64_t> labels);

}  // namespace bptplr
