// One iteration of the warm-up: a loss of the noisy labels on a weak view and instance
// discrimination on two strong ones. Without the strong views it is plain training, as the
// baselines `ce`, `mixup` and `gce` do it.
#pragma once

#include <cstdint>
#include <vector>

#include "bpt_plr/recipe/recipe.hpp"
#include "engine/optimizer.hpp"
#include "models/network.hpp"

namespace bptplr {

struct WarmUpOptions {
  double lr = 0.02;
  /// Generalised cross-entropy with this q (Zhang and Sabuncu, NeurIPS 2018); 0: cross-entropy.
  double gce_q = 0.0;
  /// MixUp of the weak views and their labels with Beta(alpha, alpha), for cross-entropy; 0: none.
  double mixup_alpha = 0.0;
  /// Add mean_i sum_c p log p, against overconfidence under asymmetric noise.
  bool negative_entropy = false;
  WarmUpContrastive contrastive = WarmUpContrastive::kFlatNce;
  /// False: the strong views only move the BatchNorm statistics, as in the published script.
  bool contrastive_grad = true;
  double temperature = 0.1;

  WarmUpOptions() = default;
  /// As a resolved recipe wants it in that epoch of its stage.
  WarmUpOptions(const Recipe& recipe, std::int64_t epoch);
};

struct WarmUpBatch {
  Tensor weak;    ///< [n, h, w, 3]
  Tensor strong;  ///< first, then second strong view: [2n, h, w, 3]; unused without contrast
  std::vector<std::int64_t> labels;  ///< [n]
  /// MixUp: weight of a sample itself, in [0, 1], and which one each is mixed with [n].
  double mix = 1.0;
  std::vector<std::int64_t> permutation;
  DropoutKey dropout;  ///< the forward passes number themselves
};

struct WarmUpLosses {
  double classifier = 0.0;  ///< of the labels
  double negative_entropy = 0.0;
  double contrastive = 0.0;
  double total = 0.0;

  /// From the tensor that queue_warm_up_iteration returns, or a copy of it; waits for it.
  static WarmUpLosses from(const Tensor& terms);
};

/// The gradients of all terms are added up before the one SGD step. Returns the losses, float32 [3]
/// in the order of WarmUpLosses; on a GPU everything is only queued.
Tensor queue_warm_up_iteration(Network& network, Sgd& optimizer, const WarmUpBatch& batch,
                               const WarmUpOptions& options);

}  // namespace bptplr
