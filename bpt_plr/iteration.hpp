// Step 5, one iteration of semi-supervised oversampling training: co-guess and co-refine, MixUp,
// the losses, one SGD step. Everything random comes in from outside, so that an iteration can be
// repeated and compared with another implementation.
#pragma once

#include <cstdint>
#include <vector>

#include "bpt_plr/losses.hpp"
#include "engine/optimizer.hpp"
#include "models/network.hpp"

namespace bptplr {

enum class Contrastive { kNone, kPlr, kFlatPlr };

/// What the recipe and the epoch decide.
struct IterationOptions {
  double lr = 0.02;
  double lambda = 0.0;  ///< weight of L_U, ramped up already
  double penalty = 1.0;
  double sharpen_temperature = 0.5;
  Contrastive contrastive = Contrastive::kPlr;
  double tau = 1.0;
};

/// B_x labelled and B_u unlabelled samples with their views. Either number may be 0.
struct IterationBatch {
  Tensor weak;      ///< u1, u2, x1, x2: [2 B_u + 2 B_x, h, w, 3]
  Tensor combined;  ///< [2 M, h, w, 3] with M = 2 B_x + 2 B_u; the second half holds
                    ///< A = x3, x4, u3, u4, the first is room for its mixture
  std::vector<std::int64_t> labels;       ///< [B_x] noisy labels
  std::vector<float> clean_probability;   ///< [B_x] w
  ClassSets class_sets;                   ///< of the B_x + B_u samples, labelled first
  float mix = 1.0F;                       ///< MixUp weight l, max(l, 1 - l)
  std::vector<std::int64_t> permutation;  ///< [M]
  DropoutKey dropout;                     ///< the forward passes number themselves

  std::int64_t size_x() const { return static_cast<std::int64_t>(labels.size()); }
  std::int64_t size_u() const { return weak.size(0) / 2 - size_x(); }
};

struct IterationLosses {
  double loss_x = 0.0;
  double loss_u = 0.0;  ///< without lambda
  double penalty = 0.0;
  double contrastive = 0.0;
  double total = 0.0;
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

/// One full iteration for network k. Changes `batch.combined`.
IterationLosses training_iteration(Network& k, Network& j, Sgd& optimizer, IterationBatch& batch,
                                   const IterationOptions& options);

}  // namespace bptplr
