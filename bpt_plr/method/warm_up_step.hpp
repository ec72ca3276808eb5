// One iteration of the warm-up: a loss of the noisy labels on a weak view and instance
// discrimination on two strong ones. Without the strong views it is plain training, as the
// baselines `ce`, `mixup` and `gce` do it.
#pragma once

#include "bpt_plr/method/batch.hpp"
#include "bpt_plr/method/step_views.hpp"
#include "bpt_plr/recipe/recipe.hpp"
#include "engine/optimizer.hpp"
#include "kernels/plr.hpp"
#include "models/network.hpp"

namespace bptplr {

/// Trains a network on all labels as they are.
class WarmUpStep {
 public:
  /// `recipe` is that of the stage. Network and optimiser must outlive the step.
  WarmUpStep(const Recipe& recipe, Network& network, Sgd& optimizer);

  /// Queues one iteration on a batch that is on the network's device; the gradients of all losses
  /// are added up before the one SGD step.
  Losses operator()(const Batch& batch, const ViewMaker& views) const;

  /// Does the same on views that have been made.
  Losses train(const Batch& batch, const StepViews& views) const;

  static bool wants_strong_views(const Recipe& recipe);
  /// Whether overconfidence is punished by mean_i sum_c p log p.
  static bool wants_negative_entropy(const Recipe& recipe);

 private:
  Tensor classify(const Batch& batch, const Tensor& images) const;
  Tensor classifier_loss(const Batch& batch, const Tensor& weak, Tensor& logits) const;
  Tensor contrastive_loss_of(const Batch& batch, const Tensor& strong) const;

  Network& network_;
  Sgd& optimizer_;
  Tensor identity_;  ///< float32 [C, C], whose rows are one-hot labels
  double gce_q_;     ///< of generalised cross-entropy; 0: cross-entropy
  bool mixes_;       ///< MixUp of the weak views and their labels
  bool negative_entropy_;
  bool strong_views_;
  bool contrastive_grad_;  ///< false: the strong views only move the BatchNorm statistics
  kernels::ContrastiveLoss contrastive_kind_;
  double temperature_;
};

}  // namespace bptplr
