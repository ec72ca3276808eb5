#include "bpt_plr/method/contrast.hpp"

#include "bpt_plr/method/part_table.hpp"
#include "engine/ops.hpp"
#include "engine/profile/range.hpp"

namespace bptplr {
namespace {

Tensor classify_mixture(Network& k, const IterationBatch& batch) {
  const Range range("forward");
  return k.classify(batch.mixed(), batch.training_mode(Pass::kCombined));
}

class NoContrast : public Contrast {
 public:
  Forwards run(Network& k, const IterationBatch& batch) const override {
    return {classify_mixture(k, batch), {}};
  }
  bool wants_strong_views() const override { return false; }
};

class SimClr : public Contrast {
 public:
  explicit SimClr(const Recipe& recipe) : temperature_(recipe.simclr_temperature) {}

  Forwards run(Network& k, const IterationBatch& batch) const override {
    Tensor loss;
    if (batch.size_u() > 0) {
      const std::int64_t u3 = 2 * batch.size_x();
      const std::int64_t u4 = u3 + batch.size_u();
      const Tensor first = project(k, batch, u3, u4, Pass::kContrast);
      const Tensor second = project(k, batch, u4, batch.mixed_rows(), Pass::kContrast2);
      const Range range("contrastive");
      // Without class sets PLR is InfoNCE, which SimCLR's loss is.
      loss = contrastive_loss(concat({first, second}), nullptr, kernels::ContrastiveLoss::kPlr,
                              temperature_);
    }
    return {classify_mixture(k, batch), loss};
  }

 private:
  static Tensor project(Network& k, const IterationBatch& batch, std::int64_t begin,
                        std::int64_t end, Pass pass) {
    const Range range("forward");
    return k.forward(batch.strong().rows(begin, end), batch.training_mode(pass)).projection;
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

  Forwards run(Network& k, const IterationBatch& batch) const override {
    return apart_ ? run_apart(k, batch) : run_joint(k, batch);
  }
  bool wants_class_sets() const override { return true; }

 private:
  Forwards run_joint(Network& k, const IterationBatch& batch) const {
    const std::int64_t rows = batch.mixed_rows();
    const auto [logits, projection] = [&] {
      const Range range("forward");
      return k.forward(batch.combined, batch.training_mode(Pass::kCombined));
    }();
    const Range range("contrastive");
    return {slice(logits, 0, rows),
            loss(arrange_anchors(slice(projection, rows, 2 * rows), batch), batch)};
  }

  Forwards run_apart(Network& k, const IterationBatch& batch) const {
    Tensor logits = classify_mixture(k, batch);
    const Tensor projection = [&] {
      const Range range("forward");
      return k.forward(arrange_anchors(batch.strong(), batch), batch.training_mode(Pass::kContrast))
          .projection;
    }();
    const Range range("contrastive");
    return {std::move(logits), loss(projection, batch)};
  }

  Tensor loss(const Tensor& anchors, const IterationBatch& batch) const {
    return contrastive_loss(anchors, &batch.class_sets, kind_, tau_);
  }

  /// Rows of x3, x4, u3, u4 as the loss wants its anchors: the third view of all samples, then the
  /// fourth.
  static Tensor arrange_anchors(const Tensor& rows, const IterationBatch& batch) {
    const std::int64_t x = batch.size_x();
    const std::int64_t u = 2 * x;
    const std::int64_t size_u = batch.size_u();
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

constexpr PartRow<Contrast, ContrastKind> kTable[] = {
    {ContrastKind::kPlr, make_part<Contrast, PseudoLabelRelaxed>},
    {ContrastKind::kFlatPlr, make_part<Contrast, PseudoLabelRelaxed>},
    {ContrastKind::kSimClr, make_part<Contrast, SimClr>},
    {ContrastKind::kNone, make_none}};

}  // namespace

std::unique_ptr<Contrast> make_contrast(const Recipe& recipe) {
  return make_from(kTable, recipe.contrastive, recipe);
}

}  // namespace bptplr
