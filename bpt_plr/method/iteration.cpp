#include "bpt_plr/method/iteration.hpp"

#include "bpt_plr/method/ops.hpp"
#include "engine/ops.hpp"
#include "engine/profile/range.hpp"
#include "engine/profile/work.hpp"

namespace bptplr {
namespace {

constexpr ForwardMode kEvaluation{false, 1};

struct WeakLogits {
  Tensor u;  ///< of u1, u2: [2 B_u, C]; undefined without unlabelled samples
  Tensor x;  ///< of x1, x2: [2 B_x, C]; undefined without labelled samples
};

/// What network k says of the weak views. Batch normalisation takes parts of equal size, so sets
/// that differ need a pass each.
WeakLogits weak_logits(Network& k, const IterationBatch& batch) {
  const std::int64_t views_u = 2 * batch.size_u();
  const std::int64_t views = views_u + 2 * batch.size_x();
  if (views == 2 * views_u) {
    const Tensor all = k.classify(batch.weak, batch.training_mode(Pass::kWeak, 4));
    return {all.rows(0, views_u), all.rows(views_u, views)};
  }
  WeakLogits logits;
  if (views_u > 0) {
    logits.u = k.classify(batch.weak.rows(0, views_u), batch.training_mode(Pass::kWeak, 2));
  }
  if (views > views_u) {
    logits.x = k.classify(batch.weak.rows(views_u, views), batch.training_mode(Pass::kWeakX, 2));
  }
  return logits;
}

/// A, what is mixed: two views of the labelled samples, then two of the unlabelled ones.
Tensor views_to_mix(const IterationBatch& batch, const IterationOptions& options) {
  if (!options.trains_on_weak_views) return batch.strong();
  const std::int64_t views_u = 2 * batch.size_u();
  return concat({batch.weak.rows(views_u, batch.weak.size(0)), batch.weak.rows(0, views_u)});
}

/// MixUp: fills `batch.mixed()`, and returns the targets of these rows.
Tensor mix(const Targets& targets, IterationBatch& batch, const IterationOptions& options) {
  const Tensor a = views_to_mix(batch, options);
  const Range range("mixup", moved(2 * a.numel(), a.dtype()));
  mix_rows(a, batch.permutation, batch.mix(), batch.mixed());
  const Tensor all_targets =
      concat({targets.labelled, targets.labelled, targets.unlabelled, targets.unlabelled});
  Tensor mixed_targets = Tensor::empty_like(all_targets);
  mix_rows(all_targets, batch.permutation, batch.mix(), mixed_targets);
  return mixed_targets;
}

}  // namespace

Targets make_targets(Network& k, Network& j, const IterationBatch& batch, double temperature) {
  const std::int64_t classes = k.heads().num_classes;
  const std::int64_t size_x = batch.size_x();
  const std::int64_t size_u = batch.size_u();
  const Range range("targets", moved((3 * size_x + 5 * size_u) * classes, DType::kFloat32));
  const NoGrad no_grad;
  const Tensor none = Tensor::empty({0, classes}, DType::kFloat32, batch.weak.device());
  Targets targets{none, none};
  const WeakLogits own = weak_logits(k, batch);
  if (size_u > 0) {
    const Tensor other = j.classify(batch.weak.rows(0, 2 * size_u), kEvaluation);
    targets.unlabelled = co_guess(own.u, other, temperature);
  }
  if (size_x > 0) {
    targets.labelled = co_refine(own.x, batch.labels, batch.clean_probability, temperature);
  }
  return targets;
}

Tensor queue_iteration(Network& k, Network& j, Sgd& optimizer, IterationBatch& batch,
                       const IterationOptions& options) {
  const Range range("training iteration");
  optimizer.zero_grad();  // first: the old gradients' memory serves the forward pass
  const Targets targets = make_targets(k, j, batch, options.sharpen_temperature);
  const Tensor mixed_targets = mix(targets, batch, options);
  const auto [logits, contrastive] = options.contrast->run(k, batch);
  const SemiSupervisedLoss semi =
      semi_supervised_loss(logits, mixed_targets, 2 * batch.size_x(), batch.coefficients());
  Tensor loss = semi.loss;
  Tensor contrastive_term = Tensor::zeros({1}, DType::kFloat32, loss.device());
  if (contrastive.defined()) {
    contrastive_term = contrastive.detach();
    loss = add(loss, options.lambda_c == 1.0 ? contrastive : scale(contrastive, options.lambda_c));
  }
  backward(loss);
  optimizer.step(batch.lr());
  return concat({semi.terms, contrastive_term, loss.detach()});
}

IterationOptions::IterationOptions(const Recipe& recipe)
    : sharpen_temperature(recipe.T),
      trains_on_weak_views(recipe.trained_views == "weak"),
      lambda_c(recipe.lambda_c),
      contrast(make_contrast(recipe)) {}

IterationLosses IterationLosses::from(const Tensor& terms) {
  const Tensor here = terms.to(Device{});
  const auto values = here.span<float>();
  return {values[0], values[1], values[2], values[3], values[4]};
}

}  // namespace bptplr
