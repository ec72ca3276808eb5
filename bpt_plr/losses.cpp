#include "bpt_plr/losses.hpp"

#include "engine/dispatch.hpp"
#include "engine/ops.hpp"

namespace bptplr {
namespace {

/// A loss whose gradient was computed along with it.
Tensor record_fused(Tensor loss, const Tensor& input, Tensor gradient) {
  return record(std::move(loss), {input}, [gradient = std::move(gradient)](const Tensor& dy) {
    return std::vector<Tensor>{dy.item() == 1.0 ? gradient : scale(gradient, dy.item())};
  });
}

}  // namespace

ClassSets make_class_sets(const Tensor& logits, std::span<const std::int64_t> labels,
                          std::int64_t kappa) {
  const std::int64_t classes = logits.size(1);
  ClassSets sets;
  sets.words = kernels::class_set_words(classes);
  sets.bits.resize(static_cast<std::size_t>(logits.size(0) * sets.words));
  kernels::class_sets(cpu_context(), logits.size(0), classes, kappa, logits.data<float>(),
                      labels.data(), sets.bits.data());
  return sets;
}

SemiSupervisedLoss semi_supervised_loss(const Tensor& logits, const Tensor& targets,
                                        std::int64_t labelled,
                                        const kernels::SemiSupervisedCoefficients& coefficients) {
  require(
      logits.shape() == targets.shape() && logits.shape().size() == 2 && labelled <= logits.size(0),
      "semi_supervised_loss: logits {} and targets {} do not fit", to_string(logits.shape()),
      to_string(targets.shape()));
  const kernels::SemiSupervisedShape shape{labelled, logits.size(0) - labelled, logits.size(1)};
  SemiSupervisedLoss result;
  Tensor loss = Tensor::empty({1}, logits.dtype(), logits.device());
  Tensor gradient = Tensor::empty_like(logits);
  dispatch_float(logits, [&](const auto& ctx, auto zero) {
    using T = decltype(zero);
    T terms[3];
    kernels::semi_supervised_loss(ctx, shape, coefficients, logits.data<T>(), targets.data<T>(),
                                  loss.data<T>(), terms, gradient.data<T>());
    result.loss_x = terms[0];
    result.loss_u = terms[1];
    result.penalty = terms[2];
  });
  result.loss = record_fused(std::move(loss), logits, std::move(gradient));
  return result;
}

Tensor negative_entropy(const Tensor& logits) {
  Tensor loss = Tensor::empty({1}, logits.dtype(), logits.device());
  Tensor gradient = Tensor::empty_like(logits);
  dispatch_float(logits, [&](const auto& ctx, auto zero) {
    using T = decltype(zero);
    kernels::negative_entropy(ctx, logits.size(0), logits.size(1), logits.data<T>(), loss.data<T>(),
                              gradient.data<T>());
  });
  return record_fused(std::move(loss), logits, std::move(gradient));
}

Tensor contrastive_loss(const Tensor& features, const ClassSets* sets,
                        kernels::ContrastiveLoss kind, double tau) {
  require(features.shape().size() == 2 && features.size(0) % 2 == 0,
          "contrastive_loss needs two views of each sample, not features of shape {}",
          to_string(features.shape()));
  const kernels::ContrastiveShape shape{features.size(0) / 2, features.size(1),
                                        sets == nullptr ? 0 : sets->words};
  Tensor loss = Tensor::empty({1}, features.dtype(), features.device());
  Tensor gradient = Tensor::empty_like(features);
  dispatch_float(features, [&](const auto& ctx, auto zero) {
    using T = decltype(zero);
    kernels::contrastive_loss(ctx, kind, shape, tau, features.data<T>(),
                              sets == nullptr ? nullptr : sets->bits.data(), loss.data<T>(),
                              gradient.data<T>(), nullptr);
  });
  return record_fused(std::move(loss), features, std::move(gradient));
}

}  // namespace bptplr
