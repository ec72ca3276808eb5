#include "bpt_plr/method/warm_up_step.hpp"

#include "bpt_plr/method/ops.hpp"
#include "engine/ops.hpp"
#include "engine/profile/range.hpp"

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
  mix_rows(batch.weak, permutation, l, images);
  mix_rows(labels, permutation, l, targets);
  logits = network.classify(images, training_mode(batch, kWeak));
  return soft_cross_entropy(logits, targets);
}

/// The loss of the labels, and the logits that it is of.
Tensor classifier_loss(Network& network, const WarmUpBatch& batch, const WarmUpOptions& options,
                       Tensor& logits) {
  if (options.mixup_alpha > 0.0) return mixed_cross_entropy(network, batch, logits);
  logits = network.classify(batch.weak, training_mode(batch, kWeak));
  if (options.gce_q == 0.0) return cross_entropy(logits, batch.labels);
  const Tensor labels = Tensor::from(batch.labels, {std::ssize(batch.labels)}).to(logits.device());
  return generalized_cross_entropy(logits, labels, options.gce_q);
}

/// The contrastive loss after its backward pass.
Tensor contrastive_part(Network& network, const WarmUpBatch& batch, const WarmUpOptions& options) {
  // Without class sets PLR is InfoNCE and flat PLR is FlatNCE.
  const auto kind = options.contrastive == WarmUpContrastive::kInfoNce
                        ? kernels::ContrastiveLoss::kPlr
                        : kernels::ContrastiveLoss::kFlatPlr;
  const Tensor loss =
      contrastive_loss(network.forward(batch.strong, training_mode(batch, kStrong)).projection,
                       nullptr, kind, options.temperature);
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

Tensor queue_warm_up_iteration(Network& network, Sgd& optimizer, const WarmUpBatch& batch,
                               const WarmUpOptions& options) {
  const Range range("warm-up iteration");
  optimizer.zero_grad();
  Tensor classifier_part;
  Tensor entropy_part = Tensor::zeros({1}, DType::kFloat32, batch.weak.device());
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
  Tensor contrast = Tensor::zeros({1}, DType::kFloat32, batch.weak.device());
  if (options.contrastive != WarmUpContrastive::kNone && options.contrastive_grad) {
    contrast = contrastive_part(network, batch, options);
  } else if (options.contrastive != WarmUpContrastive::kNone) {
    const NoGrad no_grad;
    network.forward(batch.strong, training_mode(batch, kStrong));
  }
  optimizer.step(options.lr);
  return concat({classifier_part, entropy_part, contrast});
}

WarmUpLosses WarmUpLosses::from(const Tensor& terms) {
  const Tensor here = terms.to(Device{});
  const auto values = here.span<float>();
  const double sum = static_cast<double>(values[0]) + static_cast<double>(values[1]) +
                     static_cast<double>(values[2]);
  return {values[0], values[1], values[2], sum};
}

}  // namespace bptplr
