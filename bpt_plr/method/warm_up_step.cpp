#include "bpt_plr/method/warm_up_step.hpp"

#include <numeric>

#include "bpt_plr/method/ops.hpp"
#include "engine/ops.hpp"
#include "engine/profile/range.hpp"

namespace bptplr {
namespace {

Tensor identity_matrix(std::int64_t classes, const Tensor& like) {
  std::vector<std::int64_t> diagonal(static_cast<std::size_t>(classes));
  std::iota(diagonal.begin(), diagonal.end(), 0);
  return one_hot(diagonal, classes, like.dtype()).to(like.device());
}

Shards strong_shards(const Batch& batch) {
  return batch.shards({batch.samples, batch.samples});
}

}  // namespace

WarmUpStep::WarmUpStep(const Recipe& recipe, Network& network, Sgd& optimizer)
    : network_(network),
      optimizer_(optimizer),
      identity_(identity_matrix(network.heads().num_classes, network.prototypes())),
      gce_q_(recipe.plain_loss == PlainLoss::kGeneralizedCrossEntropy ? recipe.gce_q : 0.0),
      mixes_(recipe.mixup_alpha > 0.0),
      negative_entropy_(wants_negative_entropy(recipe)),
      strong_views_(wants_strong_views(recipe)),
      contrastive_grad_(recipe.warm_up_contrastive_grad),
      // Without class sets PLR is InfoNCE and flat PLR is FlatNCE.
      contrastive_kind_(recipe.warm_up_contrastive == WarmUpContrastive::kInfoNce
                            ? kernels::ContrastiveLoss::kPlr
                            : kernels::ContrastiveLoss::kFlatPlr),
      temperature_(recipe.warm_up_temperature) {}

Losses WarmUpStep::operator()(const Batch& batch, const ViewMaker& views) const {
  const std::int64_t rows = batch.own_x();
  StepViews made{views.empty(rows), {}, {}, {}, {}};
  views.make(batch.weak, made.weak);
  if (strong_views_) {
    made.strong = views.empty(2 * rows);
    views.make(batch.strong, made.strong);
  }
  if (batch.partner_rows.defined()) {
    made.partners = views.empty(rows);
    views.make(batch.partners, made.partners);
  }
  return train(batch, made);
}

Losses WarmUpStep::train(const Batch& batch, const StepViews& views) const {
  const Range range("warm-up iteration");
  optimizer_.zero_grad();
  Losses losses;
  Tensor total;
  const auto note = [&](const char* name, const Tensor& loss) {
    losses.names.emplace_back(name);
    losses.values =
        losses.values.defined() ? concat({losses.values, loss.detach()}) : loss.detach();
    total = total.defined() ? add(total, loss.detach()) : loss.detach();
  };
  {
    Tensor logits;
    Tensor loss = classifier_loss(batch, views, logits);
    note(gce_q_ > 0.0 ? "loss_gce" : "loss_ce", loss);
    if (negative_entropy_) {
      const Tensor entropy = negative_entropy(logits);
      note("negative_entropy", entropy);
      loss = add(loss, entropy);
    }
    if (strong_views_ && contrastive_grad_) {
      backward(loss);  // another one follows
    } else {
      optimizer_.backward(loss);
    }
  }
  if (strong_views_ && contrastive_grad_) {
    const Tensor loss = contrastive_loss_of(batch, views.strong);
    note("contrastive", loss);
    optimizer_.backward(loss);
  } else if (strong_views_) {
    const NoGrad no_grad;
    network_.forward(views.strong, training_mode(batch, WarmUpPass::kStrong, strong_shards(batch)));
  }
  optimizer_.step(batch.lr());
  losses.names.emplace_back("loss");
  losses.values = concat({losses.values, total});
  return losses;
}

Tensor WarmUpStep::classify(const Batch& batch, const Tensor& images) const {
  const Shards shards = batch.shards({batch.samples});
  return all_gather(network_.classify(images, training_mode(batch, WarmUpPass::kWeak, shards)),
                    shards);
}

/// Returns the loss of the labels, and its logits in `logits`.
Tensor WarmUpStep::classifier_loss(const Batch& batch, const StepViews& views,
                                   Tensor& logits) const {
  const Tensor& weak = views.weak;
  if (gce_q_ > 0.0) {
    logits = classify(batch, weak);
    return generalized_cross_entropy(logits, batch.labels, gce_q_);
  }
  const Tensor targets = gather_rows(identity_, batch.labels);
  if (!mixes_) {
    logits = classify(batch, weak);
    return soft_cross_entropy(logits, targets);
  }
  Tensor images = Tensor::empty_like(weak);
  Tensor mixed_targets = Tensor::empty_like(targets);
  mix_views(weak, batch, views, images);
  mix_rows(targets, targets, batch.permutation, batch.mix(), mixed_targets);
  logits = classify(batch, images);
  return soft_cross_entropy(logits, mixed_targets);
}

Tensor WarmUpStep::contrastive_loss_of(const Batch& batch, const Tensor& strong) const {
  const Shards shards = strong_shards(batch);
  const Tensor projection =
      network_.forward(strong, training_mode(batch, WarmUpPass::kStrong, shards)).projection;
  return contrastive_loss(all_gather(projection, shards), nullptr, contrastive_kind_, temperature_);
}

bool WarmUpStep::wants_strong_views(const Recipe& recipe) {
  return recipe.warm_up_contrastive != WarmUpContrastive::kNone;
}

bool WarmUpStep::wants_negative_entropy(const Recipe& recipe) {
  return recipe.warm_up_penalty == WarmUpPenalty::kOn ||
         (recipe.warm_up_penalty == WarmUpPenalty::kAuto && recipe.noise_mode == NoiseMode::kAsym);
}

}  // namespace bptplr
