#include "bpt_plr/warmup.hpp"

#include "bpt_plr/losses.hpp"
#include "bpt_plr/mixup.hpp"
#include "engine/ops.hpp"
#include "engine/range.hpp"

namespace bptplr {
namespace {

/// The forward passes, all in training mode.
enum Pass : std::uint32_t { kWeak, kStrong };

ForwardMode training_mode(const WarmUpBatch& batch, Pass pass) {
  return {true, 1, batch.dropout.of_pass(pass)};
}

Tensor mixed_cross_entropy(Network& network, const WarmUpBatch& batch, Tensor& logits) {
  const Device device = batch.weak.device();
  const Tensor permutation =
      Tensor::from(batch.permutation, {std::ssize(batch.permutation)}).to(device);
  const Tensor l = Tensor::full({1}, batch.mix, DType::kFloat64).to(device);
  const Tensor labels = one_hot(batch.labels, network.heads().num_classes).to(device);
  Tensor images = Tensor::empty_like(batch.weak);
  Tensor targets = Tensor::empty_like(labels);
  mix_rows(batch.weak, permutation, l.data<double>(), images);
  mix_rows(labels, permutation, l.data<double>(), targets);
  logits = network.classify(images, training_mode(batch, kWeak));
  return soft_cross_entropy(logits, targets);
}

/// The loss of the labels, and the logits that it is of.
Tensor classifier_loss(Network& network, const WarmUpBatch& batch, const WarmUpOptions& options,
                       Tensor& logits) {
  if (options.mixup_alpha > 0.0) return mixed_cross_entropy(network, batch, logits);
  logits = network.classify(batch.weak, training_mode(batch, kWeak));
  if (options.gce_q == 0.0) return cross_entropy(logits, batch.labels);
  const Tensor labels =
      Tensor::from(batch.labels, {std::ssize(batch.labels)}).to(logits.device());
  return generalized_cross_entropy(logits, labels, options.gce_q);
}

/// The contrastive loss after its backward pass; undefined where it has no gradient.
Tensor contrastive_part(Network& network, const WarmUpBatch& batch, const WarmUpOptions& options) {
  const ForwardMode mode = training_mode(batch, kStrong);
  if (!options.contrastive_grad) {
    const NoGrad no_grad;
    network.forward(batch.strong, mode);
    return {};
  }
  // Without class sets PLR is InfoNCE and flat PLR is FlatNCE.
  const auto kind = options.contrastive == WarmUpContrastive::kInfoNce
                        ? kernels::ContrastiveLoss::kPlr
                        : kernels::ContrastiveLoss::kFlatPlr;
  const Tensor loss = contrastive_loss(network.forward(batch.strong, mode).projection, nullptr,
                                       kind, options.temperature);
  backward(loss);
  return loss.detach();
}

WarmUpContrastive contrastive_of(const Recipe& recipe) {
  if (recipe.warm_up_contrastive == "none") return WarmUpContrastive::kNone;
  return recipe.warm_up_contrastive == "info_nce" ? WarmUpContrastive::kInfoNce
                                                  : WarmUpContrastive::kFlatNce;
}

}  // namespace

WarmUpOptions::WarmUpOptions(const Recipe& recipe, std::int64_t epoch)
    : lr(learning_rate(recipe, epoch)),
      gce_q(recipe.plain_loss == "gce" ? recipe.gce_q : 0.0),
      mixup_alpha(recipe.mixup_alpha),
      negative_entropy(recipe.warm_up_penalty == "on" ||
                       (recipe.warm_up_penalty == "auto" && recipe.noise_mode == "asym")),
      contrastive(contrastive_of(recipe)),
      contrastive_grad(recipe.warm_up_contrastive_grad),
      temperature(recipe.warm_up_temperature) {}

WarmUpLosses warm_up_iteration(Network& network, Sgd& optimizer, const WarmUpBatch& batch,
                               const WarmUpOptions& options) {
  const Range range("warm-up iteration");
  optimizer.zero_grad();
  Tensor classifier_part;
  Tensor entropy_part;
  {
    Tensor logits;
    Tensor loss = classifier_loss(network, batch, options, logits);
    classifier_part = loss.detach();
    if (options.negative_entropy) {
      const Tensor entropy = negative_entropy(logits);
      entropy_part = entropy.detach();
      loss = add(loss, entropy);
    }
    backward(loss);
  }
  Tensor contrast;
  if (options.contrastive != WarmUpContrastive::kNone) {
    contrast = contrastive_part(network, batch, options);
  }
  optimizer.step(options.lr);
  // Reading a number waits for a GPU, so it comes when everything has been queued.
  return {classifier_part.item(), entropy_part.defined() ? entropy_part.item() : 0.0,
          contrast.defined() ? contrast.item() : 0.0};
}

}  // namespace bptplr
