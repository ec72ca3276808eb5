#include "bpt_plr/warmup.hpp"

#include "bpt_plr/losses.hpp"
#include "engine/ops.hpp"

namespace bptplr {
namespace {

constexpr ForwardMode kTraining{true, 1};

double contrastive_part(PreActResNet& network, const Tensor& strong, const WarmUpOptions& options) {
  if (!options.contrastive_grad) {
    const NoGrad no_grad;
    network.forward(strong, kTraining);
    return 0.0;
  }
  // Without class sets PLR is InfoNCE and flat PLR is FlatNCE.
  const auto kind = options.contrastive == WarmUpContrastive::kInfoNce
                        ? kernels::ContrastiveLoss::kPlr
                        : kernels::ContrastiveLoss::kFlatPlr;
  const Tensor loss = contrastive_loss(network.forward(strong, kTraining).projection, nullptr, kind,
                                       options.temperature);
  backward(loss);
  return loss.item();
}

}  // namespace

WarmUpLosses warm_up_iteration(PreActResNet& network, Sgd& optimizer, const WarmUpBatch& batch,
                               const WarmUpOptions& options) {
  optimizer.zero_grad();
  WarmUpLosses losses;
  {
    const Tensor logits = network.classify(batch.weak, kTraining);
    Tensor loss = cross_entropy(logits, batch.labels);
    losses.cross_entropy = loss.item();
    if (options.negative_entropy) {
      const Tensor entropy = negative_entropy(logits);
      losses.negative_entropy = entropy.item();
      loss = add(loss, entropy);
    }
    backward(loss);
  }
  if (options.contrastive != WarmUpContrastive::kNone) {
    losses.contrastive = contrastive_part(network, batch.strong, options);
  }
  optimizer.step(options.lr);
  return losses;
}

}  // namespace bptplr
