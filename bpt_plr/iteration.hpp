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

/// What stays the same in an epoch.
struct IterationOptions {
  double sharpen_temperature = 0.5;
  Contrastive contrastive = Contrastive::kPlr;
  double tau = 1.0;
};

/// Numbers that may differ from one iteration to the next.
struct IterationScalars {
  double lr = 0.02;
  double mix = 1.0;  ///< MixUp weight l, max(l, 1 - l)
  /// Of L_X, L_U (ramped up already) and R.
  kernels::SemiSupervisedCoefficients coefficients{1.0, 0.0, 1.0};
};

/// B_x labelled and B_u unlabelled samples with their views, all on one device. Either number may
/// be 0.
struct IterationBatch {
  Tensor weak;               ///< u1, u2, x1, x2: [2 B_u + 2 B_x, h, w, 3]
  Tensor combined;           ///< [2 M, h, w, 3] with M = 2 B_x + 2 B_u; the second half holds
                             ///< A = x3, x4, u3, u4, the first is room for its mixture
  Tensor labels;             ///< int64 [B_x] noisy labels
  Tensor clean_probability;  ///< float32 [B_x] w
  ClassSets class_sets;      ///< of the B_x + B_u samples, labelled first
  Tensor permutation;        ///< int64 [M]
  Tensor scalars;            ///< the bytes of an IterationScalars
  DropoutKey dropout;        ///< the forward passes number themselves

  std::int64_t size_x() const { return labels.size(0); }
  std::int64_t size_u() const { return weak.size(0) / 2 - size_x(); }
};

struct IterationLosses {
  double loss_x = 0.0;
  double loss_u = 0.0;  ///< without lambda
  double penalty = 0.0;
  double contrastive = 0.0;
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

/// One full iteration for network k, which changes `batch.combined`. Returns the losses, float32
/// [5] in the order of IterationLosses; on a GPU everything is only queued.
Tensor queue_iteration(Network& k, Network& j, Sgd& optimizer, IterationBatch& batch,
                       const IterationOptions& options);

}  // namespace bptplr
