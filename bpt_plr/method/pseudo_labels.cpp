#include "bpt_plr/method/pseudo_labels.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "bpt_plr/method/ops.hpp"
#include "bpt_plr/method/part_table.hpp"
#include "engine/error.hpp"
#include "engine/profile/range.hpp"
#include "engine/profile/work.hpp"

namespace bptplr {
namespace {

class FixedThreshold : public PseudoLabels {
 public:
  explicit FixedThreshold(const Recipe& recipe) : threshold_(recipe.proto_threshold) {}

  Tensor choose(const KeptOutputs& kept, std::int64_t /*epoch*/) override {
    return pseudo_labels(kept.prototype_logits, kept.logits, threshold_);
  }

 private:
  double threshold_;
};

std::size_t largest_of(std::span<const double> values) {
  return static_cast<std::size_t>(std::ranges::max_element(values) - values.begin());
}

/// Self-adaptive threshold. With p_i = softmax((1 - a) s_i + a z_i), a falling from 1 to 0 along a
/// cosine over the epochs:
///   g <- m g + (1 - m) mean_i max_c p_ic,  h_c <- m h_c + (1 - m) mean_i p_ic,  both from 1 / C.
/// Sample i counts if max p_i >= g h_c / max h, c = argmax p_i. Computed on the CPU in double, as
/// it runs twice an epoch on a few numbers per sample.
class SelfAdaptiveThreshold : public PseudoLabels {
 public:
  explicit SelfAdaptiveThreshold(const Recipe& recipe)
      : momentum_(recipe.pseudo_momentum),
        num_epochs_(recipe.num_epochs),
        confidence_(1.0 / static_cast<double>(recipe.num_class)),
        share_(static_cast<std::size_t>(recipe.num_class), confidence_) {}

  Tensor choose(const KeptOutputs& kept, std::int64_t epoch) override {
    const Range range("prototypes", moved(2 * kept.logits.numel(), DType::kFloat32));
    const Tensor z = kept.logits.to(Device{});
    const std::vector<double> p = mixed_softmax(z, kept.prototype_logits.to(Device{}), epoch);
    move_averages(p);
    const std::size_t classes = share_.size();
    const double most = *std::ranges::max_element(share_);
    std::vector<std::int64_t> labels;
    for (std::size_t i = 0; i < p.size() / classes; ++i) {
      const auto row = std::span(p).subspan(i * classes, classes);
      const std::size_t c = largest_of(row);
      const auto logits = z.span<float>().subspan(i * classes, classes);
      const bool counts = row[c] >= confidence_ * share_[c] / most;
      labels.push_back(counts ? std::ranges::max_element(logits) - logits.begin() : -1);
    }
    return Tensor::from(labels, {std::ssize(labels)}).to(kept.logits.device());
  }

  void save(TensorMap& tensors) const override {
    std::vector<double> state = share_;
    state.push_back(confidence_);
    tensors.emplace(kName, Tensor::from(state, {std::ssize(state)}));
  }

  void load(const TensorMap& tensors) override {
    const auto found = tensors.find(kName);
    require(found != tensors.end() && found->second.numel() == std::ssize(share_) + 1,
            "the checkpoint has no tensor '{}' of {} numbers; it is of another version", kName,
            share_.size() + 1);
    const auto state = found->second.span<double>();
    share_.assign(state.begin(), state.end() - 1);
    confidence_ = state.back();
  }

 private:
  static constexpr const char* kName = "pseudo_label_averages";

  /// Returns p [n, C], row by row.
  std::vector<double> mixed_softmax(const Tensor& z, const Tensor& s, std::int64_t epoch) const {
    const double a = 0.5 * (1.0 + std::cos(std::numbers::pi * static_cast<double>(epoch) /
                                           static_cast<double>(num_epochs_)));
    const std::size_t classes = share_.size();
    std::vector<double> p;
    p.reserve(static_cast<std::size_t>(z.numel()));
    for (std::int64_t i = 0; i < z.numel(); ++i) {
      p.push_back((1.0 - a) * static_cast<double>(s.data<float>()[i]) +
                  a * static_cast<double>(z.data<float>()[i]));
    }
    for (std::size_t begin = 0; begin < p.size(); begin += classes) {
      const auto row = std::span(p).subspan(begin, classes);
      const double largest = *std::ranges::max_element(row);
      double sum = 0.0;
      for (double& value : row) sum += value = std::exp(value - largest);
      for (double& value : row) value /= sum;
    }
    return p;
  }

  void move_averages(const std::vector<double>& p) {
    const std::size_t classes = share_.size();
    const double rows = static_cast<double>(p.size()) / static_cast<double>(classes);
    double largest = 0.0;
    std::vector<double> sums(classes);
    for (std::size_t begin = 0; begin < p.size(); begin += classes) {
      const auto row = std::span(p).subspan(begin, classes);
      largest += *std::ranges::max_element(row);
      for (std::size_t c = 0; c < classes; ++c) sums[c] += row[c];
    }
    const auto move = [&](double& average, double sum) {
      average = momentum_ * average + (1.0 - momentum_) * sum / rows;
    };
    move(confidence_, largest);
    for (std::size_t c = 0; c < classes; ++c) move(share_[c], sums[c]);
  }

  double momentum_;
  std::int64_t num_epochs_;
  double confidence_;          ///< g
  std::vector<double> share_;  ///< h
};

constexpr PartRow<PseudoLabels, PseudoLabelKind> kPseudoLabels[] = {
    {PseudoLabelKind::kFixed, make_part<PseudoLabels, FixedThreshold>},
    {PseudoLabelKind::kSelfAdaptive, make_part<PseudoLabels, SelfAdaptiveThreshold>}};

}  // namespace

std::unique_ptr<PseudoLabels> make_pseudo_labels(const Recipe& recipe) {
  return make_from(kPseudoLabels, recipe.pseudo_label, recipe);
}

}  // namespace bptplr
