#include "bpt_plr/method/semi_supervised_step.hpp"

#include "bpt_plr/method/ops.hpp"
#include "bpt_plr/recipe/schedules.hpp"
#include "engine/ops.hpp"
#include "engine/profile/range.hpp"
#include "engine/profile/work.hpp"

namespace bptplr {
namespace {

const ForwardMode kEvaluation{.training = false};

std::int64_t kappa_of(const Recipe& recipe, std::int64_t epoch) {
  return static_cast<std::int64_t>(scheduled(parse_schedule(recipe.kappa, "kappa"), epoch, 1.0));
}

}  // namespace

SemiSupervisedStep::SemiSupervisedStep(const Recipe& recipe, std::int64_t epoch, Network& k,
                                       Network& j, Sgd& optimizer)
    : k_(k),
      j_(j),
      optimizer_(optimizer),
      temperature_(recipe.T),
      trains_on_weak_views_(recipe.trained_views == TrainedViews::kWeak),
      lambda_c_(recipe.lambda_c),
      kappa_(kappa_of(recipe, epoch)),
      contrast_(make_contrast(recipe)) {}

Losses SemiSupervisedStep::operator()(const Batch& batch, const ViewMaker& views,
                                      const Tensor& logits_j) const {
  return train(batch, make_views(batch, views, logits_j));
}

Losses SemiSupervisedStep::train(const Batch& batch, const StepViews& views) const {
  const Range range("training iteration");
  optimizer_.zero_grad();  // first: the forward pass reuses the old gradients' memory
  // Weak views -> co-guessed and co-refined targets; MixUp of views and targets.
  const Targets targets = make_targets(batch, views);
  const Tensor mixed_targets = mix_up(targets, batch, views);
  // Forward passes of network k, and PLR or another contrastive loss of the strong views.
  const auto [logits, contrastive] = contrast_->forward(k_, batch, views);
  // L_X + lambda_u L_U + penalty R + lambda_c PLR.
  const SemiSupervisedLoss semi =
      semi_supervised_loss(logits, mixed_targets, 2 * batch.size_x(), batch.coefficients());
  Tensor loss = semi.loss;
  if (contrastive.defined()) {
    loss = add(loss, lambda_c_ == 1.0 ? contrastive : scale(contrastive, lambda_c_));
  }
  optimizer_.backward(loss);
  optimizer_.step(batch.lr());

  Losses losses{{"loss_x", "loss_u", "penalty", "loss"}, concat({semi.terms, loss.detach()})};
  if (contrast_->has_loss()) {
    losses.names.emplace_back("contrastive");
    losses.values = concat({losses.values, contrastive.defined()
                                               ? contrastive.detach()
                                               : Tensor::zeros({1}, loss.dtype(), loss.device())});
  }
  return losses;
}

struct SemiSupervisedStep::WeakLogits {
  Tensor u;  ///< of u1, u2: [2 B_u, C]; undefined without unlabelled samples
  Tensor x;  ///< of x1, x2: [2 B_x, C]; undefined without labelled samples
};

/// Makes the views of a batch and its class sets.
StepViews SemiSupervisedStep::make_views(const Batch& batch, const ViewMaker& views,
                                         const Tensor& logits_j) const {
  const std::int64_t rows = 2 * (batch.own_x() + batch.own_u());
  const bool has_strong = wants_strong_views();
  StepViews made{views.empty(rows), {}, views.empty(has_strong ? 2 * rows : rows), {}, {}};
  views.make(batch.weak, made.weak);
  if (has_strong) {
    made.strong = made.combined.rows(rows, 2 * rows);
    views.make(batch.strong, made.strong);
  }
  if (batch.partner_rows.defined()) {
    made.partners = views.empty(rows);
    views.make(batch.partners, made.partners);
  }
  if (contrast_->wants_class_sets()) {
    made.class_sets =
        make_class_sets(gather_rows(logits_j, batch.set_rows), batch.set_labels, kappa_);
  }
  return made;
}

Targets SemiSupervisedStep::make_targets(const Batch& batch, const StepViews& views) const {
  const std::int64_t classes = k_.heads().num_classes;
  const std::int64_t size_x = batch.size_x();
  const std::int64_t size_u = batch.size_u();
  const Range range("targets", moved((3 * size_x + 5 * size_u) * classes, DType::kFloat32));
  const NoGrad no_grad;
  const auto none = [&] {
    const bool is_double = views.weak.dtype() == DType::kFloat64;
    return Tensor::empty({0, classes}, is_double ? DType::kFloat64 : DType::kFloat32,
                         views.weak.device());
  };
  const WeakLogits own = weak_logits(batch, views);
  const auto others = [&] {
    return all_gather(j_.classify(views.weak.rows(0, 2 * batch.own_u()), kEvaluation),
                      batch.shards({size_u, size_u}));
  };
  Targets targets;
  targets.unlabelled = size_u == 0 ? none() : co_guess(own.u, others(), temperature_);
  targets.labelled =
      size_x == 0 ? none() : co_refine(own.x, batch.labels, batch.clean_probability, temperature_);
  return targets;
}

/// Returns network k's logits of the weak views of the whole batch. Batch normalisation takes
/// groups of equal size, so sets of unequal size need a pass each.
SemiSupervisedStep::WeakLogits SemiSupervisedStep::weak_logits(const Batch& batch,
                                                               const StepViews& views) const {
  const std::int64_t x = batch.size_x();
  const std::int64_t u = batch.size_u();
  const auto classify = [&](const Tensor& images, Pass pass,
                            const std::vector<std::int64_t>& parts) {
    const Shards shards = batch.shards(parts);
    return all_gather(k_.classify(images, training_mode(batch, pass, shards, std::ssize(parts))),
                      shards);
  };
  if (x == u) {
    const Tensor logits = classify(views.weak, Pass::kWeak, {u, u, x, x});
    return {logits.rows(0, 2 * u), logits.rows(2 * u, 2 * u + 2 * x)};
  }
  const std::int64_t own_u = 2 * batch.own_u();
  WeakLogits logits;
  if (u > 0) logits.u = classify(views.weak.rows(0, own_u), Pass::kWeak, {u, u});
  if (x > 0) logits.x = classify(views.weak.rows(own_u, views.rows()), Pass::kWeakX, {x, x});
  return logits;
}

/// Mixes two views of the labelled samples and then two of the unlabelled ones into `views.mixed()`
/// (MixUp); returns the targets of the rows of all ranks.
Tensor SemiSupervisedStep::mix_up(const Targets& targets, const Batch& batch,
                                  const StepViews& views) const {
  const std::int64_t own_u = 2 * batch.own_u();
  const Tensor a = trains_on_weak_views_
                       ? concat({views.weak.rows(own_u, views.rows()), views.weak.rows(0, own_u)})
                       : views.strong;
  const Tensor t =
      concat({targets.labelled, targets.labelled, targets.unlabelled, targets.unlabelled});
  const Range range("mixup", moved(2 * a.numel(), a.dtype()));
  mix_views(a, batch, views, views.mixed());
  Tensor mixed_targets = Tensor::empty_like(t);
  mix_rows(t, t, batch.permutation, batch.mix(), mixed_targets);
  return mixed_targets;
}

bool SemiSupervisedStep::wants_strong_views(const Recipe& recipe) {
  return wants_strong_views(recipe.trained_views == TrainedViews::kWeak, *make_contrast(recipe));
}

}  // namespace bptplr
