// Losses of ops.hpp: fused kernels that compute value and gradient in one call, recorded on the
// tape.
#include "bpt_plr/method/ops.hpp"
#include "engine/dispatch.hpp"
#include "engine/ops.hpp"
#include "engine/profile/range.hpp"
#include "engine/profile/work.hpp"
#include "kernels/losses.hpp"

namespace bptplr {
namespace {

/// Records a loss whose gradient has been computed with it.
Tensor record_fused(Tensor loss, const Tensor& input, Tensor gradient) {
  return record(std::move(loss), {input}, [gradient = std::move(gradient)](const Tensor& dy) {
    return std::vector<Tensor>{scale_by(gradient, dy)};
  });
}

}  // namespace

SemiSupervisedLoss semi_supervised_loss(const Tensor& logits, const Tensor& targets,
                                        std::int64_t labelled, const Tensor& coefficients) {
  require(
      logits.shape() == targets.shape() && logits.shape().size() == 2 && labelled <= logits.size(0),
      "semi_supervised_loss: logits {} and targets {} do not fit", to_string(logits.shape()),
      to_string(targets.shape()));
  require(coefficients.dtype() == DType::kFloat64 && coefficients.numel() == 3,
          "semi_supervised_loss needs three float64 coefficients, not {} of type {}",
          coefficients.numel(), to_string(coefficients.dtype()));
  const auto* factors = static_cast<const kernels::SemiSupervisedCoefficients*>(coefficients.raw());
  const Range range("losses", moved(3 * logits.numel(), logits.dtype()));
  const kernels::SemiSupervisedShape shape{labelled, logits.size(0) - labelled, logits.size(1)};
  Tensor terms = Tensor::empty({3}, logits.dtype(), logits.device());
  Tensor loss = Tensor::empty({1}, logits.dtype(), logits.device());
  Tensor gradient = Tensor::empty_like(logits);
  dispatch_float(logits, [&](const auto& ctx, auto zero) {
    using T = decltype(zero);
    kernels::semi_supervised_loss(ctx, shape, factors, logits.data<T>(), targets.data<T>(),
                                  loss.data<T>(), terms.data<T>(), gradient.data<T>());
  });
  return {record_fused(std::move(loss), logits, std::move(gradient)), std::move(terms)};
}

Tensor negative_entropy(const Tensor& logits) {
  const Range range("losses", moved(2 * logits.numel(), logits.dtype()));
  Tensor loss = Tensor::empty({1}, logits.dtype(), logits.device());
  Tensor gradient = Tensor::empty_like(logits);
  dispatch_float(logits, [&](const auto& ctx, auto zero) {
    using T = decltype(zero);
    kernels::negative_entropy(ctx, logits.size(0), logits.size(1), logits.data<T>(), loss.data<T>(),
                              gradient.data<T>());
  });
  return record_fused(std::move(loss), logits, std::move(gradient));
}

Tensor generalized_cross_entropy(const Tensor& logits, const Tensor& labels, double q) {
  require(logits.shape().size() == 2 && labels.shape() == Shape{logits.size(0)},
          "generalized_cross_entropy: labels {} do not fit logits {}", to_string(labels.shape()),
          to_string(logits.shape()));
  require(q > 0.0 && q <= 1.0, "generalized_cross_entropy: q = {} is not in (0, 1]", q);
  const std::int64_t classes = logits.size(1);
  if (labels.device().type == DeviceType::kCpu) {
    for (const std::int64_t label : labels.span<std::int64_t>()) {
      require(label >= 0 && label < classes, "label {} is outside 0..{}", label, classes - 1);
    }
  }
  const Range range("losses", moved(2 * logits.numel(), logits.dtype()));
  Tensor loss = Tensor::empty({1}, logits.dtype(), logits.device());
  Tensor gradient = Tensor::empty_like(logits);
  dispatch_float(logits, [&](const auto& ctx, auto zero) {
    using T = decltype(zero);
    kernels::generalized_cross_entropy(ctx, logits.size(0), classes, q, logits.data<T>(),
                                       labels.data<std::int64_t>(), loss.data<T>(),
                                       gradient.data<T>());
  });
  return record_fused(std::move(loss), logits, std::move(gradient));
}

namespace {

/// Returns the work of a contrastive loss: similarities of all pairs, and their weighted sums for
/// the gradient. It is two matrix products; that a kernel may compute the first one twice does not
/// count.
Work contrastive_work(const Tensor& features) {
  Work work = moved(2 * features.numel(), features.dtype());
  work.operations =
      4.0 * static_cast<double>(features.size(0)) * static_cast<double>(features.numel());
  return work;
}

}  // namespace

Tensor contrastive_loss(const Tensor& features, const ClassSets* sets,
                        kernels::ContrastiveLoss kind, double tau) {
  require(features.shape().size() == 2 && features.size(0) % 2 == 0,
          "contrastive_loss needs two views of each sample, not features of shape {}",
          to_string(features.shape()));
  const Range range("contrastive loss", contrastive_work(features));
  const kernels::ContrastiveShape shape{features.size(0) / 2, features.size(1),
                                        sets == nullptr ? 0 : sets->words};
  Tensor loss = Tensor::empty({1}, features.dtype(), features.device());
  Tensor gradient = Tensor::empty_like(features);
  dispatch_float(features, [&](const auto& ctx, auto zero) {
    using T = decltype(zero);
    kernels::contrastive_loss(ctx, kind, shape, tau, features.data<T>(),
                              sets == nullptr ? nullptr : sets->data(), loss.data<T>(),
                              gradient.data<T>(), nullptr);
  });
  return record_fused(std::move(loss), features, std::move(gradient));
}

}  // namespace bptplr
