#include "bpt_plr/method/statistic.hpp"

#include <array>
#include <cmath>
#include <iterator>
#include <map>

#include "bpt_plr/method/epoch_history.hpp"
#include "bpt_plr/method/ops.hpp"
#include "bpt_plr/method/part_table.hpp"
#include "engine/ops.hpp"

namespace bptplr {
namespace {

/// Loss of every sample by epoch.
using History = std::map<std::int64_t, Tensor>;

Tensor mean_of(const History& history) {
  const Tensor& first = history.begin()->second;
  if (history.size() == 1) return first;
  Tensor mean = first.clone();
  for (auto later = std::next(history.begin()); later != history.end(); ++later) {
    mean = add_(mean, later->second);
  }
  return scale(mean, 1.0 / static_cast<double>(history.size()));
}

/// Statistic of `ce` and `ce_prototype`.
class LossStatistic : public Statistic {
 public:
  explicit LossStatistic(const Recipe& recipe)
      : epochs_(recipe.loss_history),
        has_prototypes_(uses_prototypes(recipe)),
        device_(choose_device(recipe.device)) {}

  std::vector<Evidence> update(std::int64_t epoch, std::span<const KeptOutputs* const> networks,
                               std::span<const std::int64_t> noisy_labels) override {
    const NoGrad no_grad;
    std::vector<Evidence> evidence;
    for (std::size_t k = 0; k < networks.size(); ++k) {
      History& history = histories_.at(k);
      history.insert_or_assign(epoch, normalized_loss(networks[k]->logits, noisy_labels));
      history.erase(history.begin(), history.lower_bound(epoch - epochs_ + 1));
      evidence.push_back({mean_of(history), {}});
      if (has_prototypes_) {
        evidence.back().second = normalized_loss(networks[k]->prototype_logits, noisy_labels);
      }
    }
    return evidence;
  }

  void save(TensorMap& tensors) const override {
    for (std::size_t k = 0; k < histories_.size(); ++k) {
      for (const auto& [epoch, losses] : histories_[k]) {
        tensors.emplace(epoch_name(name_of(k), epoch), losses.to(Device{}));
      }
    }
  }

  void load(const TensorMap& tensors) override {
    for (std::size_t k = 0; k < histories_.size(); ++k) {
      histories_[k].clear();
      for_each_epoch(tensors, name_of(k), [&](std::int64_t epoch, const Tensor& losses) {
        histories_[k].emplace(epoch, losses.to(device_));
      });
    }
  }

 private:
  static std::string name_of(std::size_t network) { return fmt::format("history{}", network + 1); }

  std::int64_t epochs_;
  bool has_prototypes_;
  Device device_;
  std::array<History, 2> histories_;
};

/// Statistic of `jsd`.
class DistanceStatistic : public Statistic {
 public:
  explicit DistanceStatistic(const Recipe& recipe)
      : inverse_log_base_(recipe.jsd_base == JsdBase::kTwo ? 1.0 / std::log(2.0) : 1.0) {}

  std::vector<Evidence> update(std::int64_t /*epoch*/, std::span<const KeptOutputs* const> networks,
                               std::span<const std::int64_t> noisy_labels) override {
    const Tensor& first = networks.front()->logits;
    const Tensor& second = networks.back()->logits;
    const Tensor labels = Tensor::from(noisy_labels, {std::ssize(noisy_labels)}).to(first.device());
    return {{jensen_shannon_distance(first, second, labels, inverse_log_base_), {}}};
  }

 private:
  double inverse_log_base_;
};

constexpr PartRow<Statistic, StatisticKind> kStatistics[] = {
    {StatisticKind::kCePrototype, make_part<Statistic, LossStatistic>},
    {StatisticKind::kCe, make_part<Statistic, LossStatistic>},
    {StatisticKind::kJsd, make_part<Statistic, DistanceStatistic>}};

}  // namespace

std::unique_ptr<Statistic> make_statistic(const Recipe& recipe) {
  return make_from(kStatistics, recipe.statistic, recipe);
}

Tensor normalized_loss(const Tensor& logits, std::span<const std::int64_t> labels) {
  return normalized_cross_entropy(logits,
                                  Tensor::from(labels, {std::ssize(labels)}).to(logits.device()));
}

}  // namespace bptplr
