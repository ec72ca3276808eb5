// Iteration of semi-supervised training (docs/method.md, step 5): weak views -> co-guess, co-refine
// -> MixUp -> forward -> L_X, L_U, R, PLR -> backward -> SGD step.
#pragma once

#include <memory>

#include "bpt_plr/method/batch.hpp"
#include "bpt_plr/method/contrast.hpp"
#include "bpt_plr/method/step_views.hpp"
#include "bpt_plr/recipe/recipe.hpp"
#include "engine/optimizer.hpp"
#include "models/network.hpp"

namespace bptplr {

/// Soft targets of a batch.
struct Targets {
  Tensor labelled;    ///< t_x [B_x, C]
  Tensor unlabelled;  ///< t_u [B_u, C]
};

/// Trains network k with the help of network j. All randomness is in the Batch.
class SemiSupervisedStep {
 public:
  /// Receives the recipe of the stage and the current epoch within it. Networks and optimiser (of
  /// k's parameters) must outlive the step.
  SemiSupervisedStep(const Recipe& recipe, std::int64_t epoch, Network& k, Network& j,
                     Sgd& optimizer);

  /// Queues one iteration on a batch on the networks' device. Class sets come from `logits_j` [n,
  /// C], network j's outputs for the epoch's samples.
  Losses operator()(const Batch& batch, const ViewMaker& views, const Tensor& logits_j) const;

  /// Queues one iteration on a batch whose views have been made.
  Losses train(const Batch& batch, const StepViews& views) const;

  /// Returns co-guessed and co-refined targets. Network k runs in training mode on u1, u2, x1, x2
  /// as four groups with separate batch statistics, network j in evaluation mode. If B_x = B_u, k
  /// runs a single pass and its dropout stream continues through x1, x2; otherwise these are a
  /// second pass, whose dropout stream starts again.
  Targets make_targets(const Batch& batch, const StepViews& views) const;

  /// Returns whether batches need strong views.
  bool wants_strong_views() const { return wants_strong_views(trains_on_weak_views_, *contrast_); }
  static bool wants_strong_views(const Recipe& recipe);

 private:
  struct WeakLogits;

  static bool wants_strong_views(bool trains_on_weak_views, const Contrast& contrast) {
    return !trains_on_weak_views || contrast.wants_strong_views();
  }
  StepViews make_views(const Batch& batch, const ViewMaker& views, const Tensor& logits_j) const;
  WeakLogits weak_logits(const Batch& batch, const StepViews& views) const;
  Tensor mix_up(const Targets& targets, const Batch& batch, const StepViews& views) const;

  Network& k_;
  Network& j_;
  Sgd& optimizer_;
  double temperature_;         ///< for sharpening
  bool trains_on_weak_views_;  ///< rather than on the strong ones
  double lambda_c_;            ///< weight of the contrastive loss
  std::int64_t kappa_;         ///< number of top classes in a class set
  std::unique_ptr<Contrast> contrast_;
};

}  // namespace bptplr
