// Step 5, one iteration of semi-supervised oversampling training: co-guess and co-refine, MixUp,
// the losses, one SGD step. Everything random comes in from outside, so that an iteration can be
// repeated and compared with another implementation.
#pragma once

#include <memory>

#include "bpt_plr/method/contrast.hpp"
#include "bpt_plr/method/iteration_batch.hpp"
#include "bpt_plr/recipe/recipe.hpp"
#include "engine/optimizer.hpp"
#include "models/network.hpp"

namespace bptplr {

/// What stays the same in an epoch.
struct IterationOptions {
  double sharpen_temperature;
  bool trains_on_weak_views;  ///< else on the strong ones
  double lambda_c;            ///< weight of the contrastive loss
  std::shared_ptr<const Contrast> contrast;

  explicit IterationOptions(const Recipe& recipe);

  /// Whether batches need them.
  bool wants_strong_views() const {
    return !trains_on_weak_views || contrast->wants_strong_views();
  }
};

struct IterationLosses {
  double loss_x = 0.0;
  double loss_u = 0.0;  ///< without lambda
  double penalty = 0.0;
  double contrastive = 0.0;  ///< without lambda_c
  double total = 0.0;

  /// From the tensor that queue_iteration returns, or a copy of it; waits for it.
  static IterationLosses from(const Tensor& terms);
};

/// Soft targets of a batch.
struct Targets {
  Tensor labelled;    ///< t_x [B_x, C]
  Tensor unlabelled;  ///< t_u [B_u, C]
};

/// Co-guess and co-refine. Network k, in training mode, sees u1, u2, x1, x2 as four batches with
/// statistics of their own; network j is in evaluation mode. Where B_x = B_u, k sees all four in
/// one pass, and its dropout draws on through x1, x2; else these are a pass of their own, whose
/// dropout starts again.
Targets make_targets(Network& k, Network& j, const IterationBatch& batch, double temperature);

/// One full iteration for network k, which fills `batch.mixed()`. Returns the losses, float32
/// [5] in the order of IterationLosses; on a GPU everything is only queued.
Tensor queue_iteration(Network& k, Network& j, Sgd& optimizer, IterationBatch& batch,
                       const IterationOptions& options);

}  // namespace bptplr
