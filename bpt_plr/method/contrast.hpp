// Contrastive losses of network k on views of the same sample, beside the semi-supervised losses.
#pragma once

#include <memory>

#include "bpt_plr/method/step_views.hpp"
#include "bpt_plr/recipe/recipe.hpp"

namespace bptplr {

class Contrast {
 public:
  struct Forwards {
    Tensor logits;  ///< of the mixture, of all ranks: [2 B_x + 2 B_u, C]
    Tensor loss;    ///< [1], differentiable; undefined where there is none
  };

  virtual ~Contrast() = default;

  /// Runs all forward passes of network k after the targets, in the batches and the order of the
  /// method, as batch normalisation depends on both.
  virtual Forwards forward(Network& k, const Batch& batch, const StepViews& views) const = 0;

  /// Returns whether there is a contrastive loss.
  virtual bool has_loss() const { return true; }
  /// Returns whether strong views of the samples are needed.
  virtual bool wants_strong_views() const { return true; }
  /// Returns whether class sets of the samples are needed.
  virtual bool wants_class_sets() const { return false; }
};

/// Creates the contrast that a resolved recipe names.
/// - `none`: the mixture alone
/// - `simclr`: instance discrimination between u3 and u4, each a batch of its own before the
///   mixture (UNICON, Karim et al., CVPR 2022)
/// - `plr`, `flat_plr`: pseudo-label relaxed loss of all strong views (PLReMix, arXiv 2402.17589),
///   in one batch [mixture; x3; x4; u3; u4] (BPT-PLR) or as one [x3; u3; x4; u4] after it
std::unique_ptr<Contrast> make_contrast(const Recipe& recipe);

}  // namespace bptplr
