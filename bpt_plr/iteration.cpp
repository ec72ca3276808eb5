#include "bpt_plr/iteration.hpp"

#include "engine/error.hpp"
#include "engine/memory.hpp"
#include "engine/ops.hpp"
#include "kernels/mixup.hpp"
#include "kernels/targets.hpp"

namespace bptplr {
namespace {

constexpr ForwardMode kEvaluation{false, 1};
constexpr ForwardMode kTwoBatches{true, 2};

/// out = l a + (1 - l) a[perm] row by row.
void mix_rows(const IterationBatch& batch, const Tensor& a, Tensor out) {
  const std::int64_t rows = a.size(0);
  kernels::mixup(cpu_context(), rows, a.numel() / rows, batch.mix, a.data<float>(),
                 batch.permutation.data(), out.data<float>());
}

/// The rows of A's projections, x3 x4 u3 u4, as the contrastive loss wants its anchors: the third
/// view of all samples, then the fourth.
Tensor arrange_anchors(const Tensor& projections, std::int64_t size_x, std::int64_t size_u) {
  const std::int64_t u = 2 * size_x;
  return concat({slice(projections, 0, size_x), slice(projections, u, u + size_u),
                 slice(projections, size_x, u), slice(projections, u + size_u, u + 2 * size_u)});
}

Tensor contrastive_term(const Tensor& projections, const IterationBatch& batch,
                        const IterationOptions& options) {
  const auto kind = options.contrastive == Contrastive::kPlr ? kernels::ContrastiveLoss::kPlr
                                                             : kernels::ContrastiveLoss::kFlatPlr;
  return contrastive_loss(arrange_anchors(projections, batch.size_x(), batch.size_u()),
                          &batch.class_sets, kind, options.tau);
}

}  // namespace

Targets make_targets(PreActResNet& k, PreActResNet& j, const IterationBatch& batch,
                     double temperature) {
  const NoGrad no_grad;
  const std::int64_t classes = k.config().num_classes;
  const std::int64_t size_x = batch.size_x();
  const std::int64_t size_u = batch.size_u();
  Targets targets{Tensor::empty({size_x, classes}), Tensor::empty({size_u, classes})};
  if (size_u > 0) {
    const Tensor own = k.classify(batch.weak_u, kTwoBatches);
    const Tensor other = j.classify(batch.weak_u, kEvaluation);
    const std::int64_t half = size_u * classes;
    kernels::co_guess(cpu_context(), size_u, classes, temperature, own.data<float>(),
                      own.data<float>() + half, other.data<float>(), other.data<float>() + half,
                      targets.unlabelled.data<float>(), nullptr);
  }
  if (size_x > 0) {
    const Tensor own = k.classify(batch.weak_x, kTwoBatches);
    kernels::co_refine(cpu_context(), size_x, classes, temperature, own.data<float>(),
                       own.data<float>() + size_x * classes, batch.labels.data(),
                       batch.clean_probability.data(), targets.labelled.data<float>(), nullptr);
  }
  return targets;
}

IterationLosses training_iteration(PreActResNet& k, PreActResNet& j, Sgd& optimizer,
                                   IterationBatch& batch, const IterationOptions& options) {
  const Targets targets = make_targets(k, j, batch, options.sharpen_temperature);
  const std::int64_t rows = 2 * batch.size_x() + 2 * batch.size_u();
  const Tensor strong = batch.combined.rows(rows, 2 * rows);
  mix_rows(batch, strong, batch.combined.rows(0, rows));
  const Tensor all_targets =
      concat({targets.labelled, targets.labelled, targets.unlabelled, targets.unlabelled});
  Tensor mixed_targets = Tensor::empty(all_targets.shape());
  mix_rows(batch, all_targets, mixed_targets);

  const auto [logits, projection] = k.forward(batch.combined, {true, 1});
  const SemiSupervisedLoss semi =
      semi_supervised_loss(slice(logits, 0, rows), mixed_targets, 2 * batch.size_x(),
                           {1.0, options.lambda, options.penalty});
  IterationLosses losses{semi.loss_x, semi.loss_u, semi.penalty, 0.0, 0.0};
  Tensor loss = semi.loss;
  if (options.contrastive != Contrastive::kNone) {
    const Tensor term = contrastive_term(slice(projection, rows, 2 * rows), batch, options);
    losses.contrastive = term.item();
    loss = add(loss, term);
  }
  losses.total = loss.item();
  optimizer.zero_grad();
  backward(loss);
  optimizer.step(options.lr);
  return losses;
}

}  // namespace bptplr
