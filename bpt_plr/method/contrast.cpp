#include "bpt_plr/method/contrast.hpp"

#include "bpt_plr/method/part_table.hpp"
#include "engine/ops.hpp"
#include "engine/profile/range.hpp"

namespace bptplr {
namespace {

/// Returns the parts of the mixture, and of the strong views.
std::vector<std::int64_t> mixture_parts(const Batch& batch) {
  const std::int64_t x = batch.size_x();
  const std::int64_t u = batch.size_u();
  return {x, x, u, u};
}

Tensor classify_mixture(Network& k, const Batch& batch, const StepViews& views) {
  const Range range("forward");
  const Shards shards = batch.shards(mixture_parts(batch));
  return all_gather(k.classify(views.mixed(), training_mode(batch, Pass::kCombined, shards)),
                    shards);
}

class NoContrast : public Contrast {
 public:
  Forwards forward(Network& k, const Batch& batch, const StepViews& views) const override {
    return {classify_mixture(k, batch, views), {}};
  }
  bool has_loss() const override { return false; }
  bool wants_strong_views() const override { return false; }
};

class SimClr : public Contrast {
 public:
  explicit SimClr(const Recipe& recipe) : temperature_(recipe.simclr_temperature) {}

  Forwards forward(Network& k, const Batch& batch, const StepViews& views) const override {
    Tensor loss;
    if (batch.size_u() > 0) {
      const std::int64_t u3 = 2 * batch.own_x();
      const std::int64_t u4 = u3 + batch.own_u();
      const Tensor first = project(k, batch, views.strong.rows(u3, u4), Pass::kContrast);
      const Tensor second =
          project(k, batch, views.strong.rows(u4, views.rows()), Pass::kContrast2);
      const Range range("contrastive");
      // Without class sets PLR is InfoNCE, the loss of SimCLR.
      loss = contrastive_loss(concat({first, second}), nullptr, kernels::ContrastiveLoss::kPlr,
                              temperature_);
    }
    return {classify_mixture(k, batch, views), loss};
  }

 private:
  static Tensor project(Network& k, const Batch& batch, const Tensor& images, Pass pass) {
    const Range range("forward");
    const Shards shards = batch.shards({batch.size_u()});
    return all_gather(k.forward(images, training_mode(batch, pass, shards)).projection, shards);
  }

  double temperature_;
};

class PseudoLabelRelaxed : public Contrast {
 public:
  explicit PseudoLabelRelaxed(const Recipe& recipe)
      : kind_(recipe.contrastive == ContrastKind::kPlr ? kernels::ContrastiveLoss::kPlr
                                                       : kernels::ContrastiveLoss::kFlatPlr),
        tau_(recipe.tau),
        apart_(recipe.contrastive_forward == ContrastiveForward::kApart) {}

  Forwards forward(Network& k, const Batch& batch, const StepViews& views) const override {
    return apart_ ? forward_apart(k, batch, views) : forward_jointly(k, batch, views);
  }
  bool wants_class_sets() const override { return true; }

 private:
  Forwards forward_jointly(Network& k, const Batch& batch, const StepViews& views) const {
    const std::int64_t rows = views.rows();
    const std::int64_t x = batch.size_x();
    const std::int64_t u = batch.size_u();
    const auto [logits, projection] = [&] {
      const Range range("forward");
      return k.forward(views.combined, training_mode(batch, Pass::kCombined,
                                                     batch.shards({x, x, u, u, x, x, u, u})));
    }();
    const Shards shards = batch.shards(mixture_parts(batch));
    const Range range("contrastive");
    const Tensor anchors = all_gather(slice(projection, rows, 2 * rows), shards);
    return {all_gather(slice(logits, 0, rows), shards),
            loss(arrange_anchors(anchors, x, u), views)};
  }

  Forwards forward_apart(Network& k, const Batch& batch, const StepViews& views) const {
    Tensor logits = classify_mixture(k, batch, views);
    const Tensor projection = [&] {
      const Range range("forward");
      const std::int64_t x = batch.size_x();
      const std::int64_t u = batch.size_u();
      const Shards shards = batch.shards({x, u, x, u});
      const Tensor images = arrange_anchors(views.strong, batch.own_x(), batch.own_u());
      return all_gather(k.forward(images, training_mode(batch, Pass::kContrast, shards)).projection,
                        shards);
    }();
    const Range range("contrastive");
    return {std::move(logits), loss(projection, views)};
  }

  Tensor loss(const Tensor& anchors, const StepViews& views) const {
    return contrastive_loss(anchors, &views.class_sets, kind_, tau_);
  }

  /// Returns rows of x3, x4, u3, u4, of x labelled and size_u unlabelled samples, in the order of
  /// the loss: the third views of all samples, then the fourth ones.
  static Tensor arrange_anchors(const Tensor& rows, std::int64_t x, std::int64_t size_u) {
    const std::int64_t u = 2 * x;
    return concat({slice(rows, 0, x), slice(rows, u, u + size_u), slice(rows, x, u),
                   slice(rows, u + size_u, u + 2 * size_u)});
  }

  kernels::ContrastiveLoss kind_;
  double tau_;
  bool apart_;
};

std::unique_ptr<Contrast> make_none(const Recipe& /*recipe*/) {
  return std::make_unique<NoContrast>();
}

constexpr PartRow<Contrast, ContrastKind> kContrasts[] = {
    {ContrastKind::kPlr, make_part<Contrast, PseudoLabelRelaxed>},
    {ContrastKind::kFlatPlr, make_part<Contrast, PseudoLabelRelaxed>},
    {ContrastKind::kSimClr, make_part<Contrast, SimClr>},
    {ContrastKind::kNone, make_none}};

}  // namespace

std::unique_ptr<Contrast> make_contrast(const Recipe& recipe) {
  return make_from(kContrasts, recipe.contrastive, recipe);
}

}  // namespace bptplr
