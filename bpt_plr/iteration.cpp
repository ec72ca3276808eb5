#include "bpt_plr/iteration.hpp"

#include "engine/dispatch.hpp"
#include "engine/ops.hpp"
#include "engine/range.hpp"
#include "engine/work.hpp"
#include "kernels/mixup.hpp"
#include "kernels/targets.hpp"

namespace bptplr {
namespace {

constexpr ForwardMode kEvaluation{false, 1};

/// The forward passes of network k, in training mode. The first takes u1, u2 and, where it can, x1
/// and x2 too.
enum Pass : std::uint32_t { kWeak, kWeakX, kCombined };

/// `groups`: batches of their own in the pass.
ForwardMode training_mode(const IterationBatch& batch, Pass pass, std::int64_t groups) {
  return {true, groups, batch.dropout.of_pass(pass)};
}

/// In memory of the batch's device.
const IterationScalars& scalars_of(const IterationBatch& batch) {
  return *static_cast<const IterationScalars*>(batch.scalars.raw());
}

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
    const Tensor all = k.classify(batch.weak, training_mode(batch, kWeak, 4));
    return {all.rows(0, views_u), all.rows(views_u, views)};
  }
  WeakLogits logits;
  if (views_u > 0) {
    logits.u = k.classify(batch.weak.rows(0, views_u), training_mode(batch, kWeak, 2));
  }
  if (views > views_u) {
    logits.x = k.classify(batch.weak.rows(views_u, views), training_mode(batch, kWeakX, 2));
  }
  return logits;
}

/// out = l a + (1 - l) a[perm] row by row.
void mix_rows(const IterationBatch& batch, const Tensor& a, Tensor out) {
  const std::int64_t rows = a.size(0);
  const double* l = &scalars_of(batch).mix;
  const auto* perm = batch.permutation.data<std::int64_t>();
  dispatch_activation(a, [&](const auto& ctx, auto zero) {
    using T = decltype(zero);
    if constexpr (kOnGpu<decltype(ctx)>) {
      kernels::mixup(ctx, rows, a.numel() / rows, l, a.data<T>(), perm, out.data<T>());
    } else if constexpr (std::is_same_v<T, float>) {
      kernels::mixup(ctx, rows, a.numel() / rows, static_cast<float>(*l), a.data<T>(), perm,
                     out.data<T>());
    }
  });
}

/// MixUp: fills the first half of `batch.combined`, and returns the targets of these rows.
Tensor mix(const Targets& targets, IterationBatch& batch) {
  const std::int64_t rows = batch.combined.size(0) / 2;
  const Tensor a = batch.combined.rows(rows, 2 * rows);
  const Range range("mixup", moved(2 * a.numel(), a.dtype()));
  mix_rows(batch, a, batch.combined.rows(0, rows));
  const Tensor all_targets =
      concat({targets.labelled, targets.labelled, targets.unlabelled, targets.unlabelled});
  Tensor mixed_targets = Tensor::empty_like(all_targets);
  mix_rows(batch, all_targets, mixed_targets);
  return mixed_targets;
}

Network::Output forward(Network& k, const IterationBatch& batch) {
  const Range range("forward");
  return k.forward(batch.combined, training_mode(batch, kCombined, 1));
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
  const Range range("contrastive");
  const auto kind = options.contrastive == Contrastive::kPlr ? kernels::ContrastiveLoss::kPlr
                                                             : kernels::ContrastiveLoss::kFlatPlr;
  return contrastive_loss(arrange_anchors(projections, batch.size_x(), batch.size_u()),
                          &batch.class_sets, kind, options.tau);
}

}  // namespace

Targets make_targets(Network& k, Network& j, const IterationBatch& batch, double temperature) {
  const std::int64_t classes = k.heads().num_classes;
  const std::int64_t size_x = batch.size_x();
  const std::int64_t size_u = batch.size_u();
  const Range range("targets", moved((3 * size_x + 5 * size_u) * classes, DType::kFloat32));
  const NoGrad no_grad;
  const Device device = batch.combined.device();
  Targets targets{Tensor::empty({size_x, classes}, DType::kFloat32, device),
                  Tensor::empty({size_u, classes}, DType::kFloat32, device)};
  const WeakLogits own = weak_logits(k, batch);
  if (size_u > 0) {
    const Tensor other = j.classify(batch.weak.rows(0, 2 * size_u), kEvaluation);
    const std::int64_t half = size_u * classes;
    dispatch_float32(other, [&](const auto& ctx) {
      kernels::co_guess(ctx, size_u, classes, temperature, own.u.data<float>(),
                        own.u.data<float>() + half, other.data<float>(), other.data<float>() + half,
                        targets.unlabelled.data<float>(), nullptr);
    });
  }
  if (size_x > 0) {
    dispatch_float32(own.x, [&](const auto& ctx) {
      kernels::co_refine(ctx, size_x, classes, temperature, own.x.data<float>(),
                         own.x.data<float>() + size_x * classes, batch.labels.data<std::int64_t>(),
                         batch.clean_probability.data<float>(), targets.labelled.data<float>(),
                         nullptr);
    });
  }
  return targets;
}

Tensor queue_iteration(Network& k, Network& j, Sgd& optimizer, IterationBatch& batch,
                       const IterationOptions& options) {
  const Range range("training iteration");
  optimizer.zero_grad();  // first: the old gradients' memory serves the forward pass
  const Targets targets = make_targets(k, j, batch, options.sharpen_temperature);
  const std::int64_t rows = 2 * batch.size_x() + 2 * batch.size_u();
  const Tensor mixed_targets = mix(targets, batch);
  const auto [logits, projection] = forward(k, batch);
  const SemiSupervisedLoss semi = semi_supervised_loss(
      slice(logits, 0, rows), mixed_targets, 2 * batch.size_x(), &scalars_of(batch).coefficients);
  Tensor loss = semi.loss;
  Tensor contrastive;
  if (options.contrastive == Contrastive::kNone) {
    contrastive = Tensor::zeros({1}, DType::kFloat32, loss.device());
  } else {
    contrastive = contrastive_term(slice(projection, rows, 2 * rows), batch, options);
    loss = add(loss, contrastive);
  }
  backward(loss);
  optimizer.step(&scalars_of(batch).lr);
  return concat({semi.terms, contrastive.detach(), loss.detach()});
}

IterationLosses IterationLosses::from(const Tensor& terms) {
  const Tensor here = terms.to(Device{});
  const auto values = here.span<float>();
  return {values[0], values[1], values[2], values[3], values[4]};
}

}  // namespace bptplr
