// Step 1 of an epoch: by how much the networks disagree with each sample's label.
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

/// Computes the evidence of epoch after epoch.
class Statistic {
 public:
  virtual ~Statistic() = default;

  /// From what each of the networks said in `epoch`, which is no earlier than that of the last
  /// call; the same epoch again replaces what it gave before. One evidence a network, or one of all
  /// together.
  virtual std::vector<Evidence> update(std::int64_t epoch,
                                       std::span<const KeptOutputs* const> networks,
                                       std::span<const std::int64_t> noisy_labels) = 0;

  /// Adds what later epochs need of earlier ones, on the CPU.
  virtual void save(TensorMap&) const {}
  /// Takes over what `save` wrote.
  virtual void load(const TensorMap&) {}
};

/// Makes the kind that the recipe names. `ce`: CE(z, y), scaled to [0, 1], mean over the last
/// `loss_history` epochs (DivideMix, Li et al., ICLR 2020). `ce_prototype`: that and CE(s, y) of
/// this epoch (PLReMix, arXiv 2402.17589). `jsd`: Jensen-Shannon distance between the label and the
/// mean prediction of both networks (UNICON, Karim et al., CVPR 2022). The recipe is a resolved one
/// whose statistic is not `none`.
std::unique_ptr<Statistic> make_statistic(const Recipe& recipe);

/// CE(z_i, y_i) of logits [n, C], scaled to [0, 1] over the samples; float32 [n].
Tensor normalized_loss(const Tensor& logits, std::span<const std::int64_t> labels);

}  // namespace bptplr
