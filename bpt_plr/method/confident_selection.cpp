// Selections of LongReMix (Cordeiro et al., Pattern Recognition 2023). The first run labels the
// samples that the mixture has called clean in each of the last `run_length` epochs, and keeps the
// largest such set of network 1. The second run selects by the mixture, with that set always clean.
#include <algorithm>
#include <array>
#include <map>

#include "bpt_plr/method/epoch_history.hpp"
#include "bpt_plr/method/selection.hpp"
#include "engine/error.hpp"

namespace bptplr {
namespace {

/// Tensor name of the set that the first run hands over.
constexpr const char* kConfidentSet = "confident";

std::vector<bool> above(std::span<const double> values, double threshold) {
  std::vector<bool> result;
  result.reserve(values.size());
  for (const double value : values) result.push_back(value > threshold);
  return result;
}

Tensor to_tensor(const std::vector<bool>& flags) {
  return Tensor::from(std::vector<std::uint8_t>(flags.begin(), flags.end()), {std::ssize(flags)});
}

std::vector<bool> to_flags(const Tensor& tensor) {
  const auto bytes = tensor.span<std::uint8_t>();
  return {bytes.begin(), bytes.end()};
}

/// Returns a mixture's probabilities as a division whose sets are not chosen yet.
Division judge(GmmFit fit, double threshold) {
  Division division;
  division.clean = fit.clean_probability;
  division.weight = division.clean;
  division.num_clean = std::ranges::count(above(division.clean, threshold), true);
  division.gmm = std::move(fit);
  return division;
}

class HighConfidenceSelection : public Selection {
 public:
  explicit HighConfidenceSelection(const Recipe& recipe) : recipe_(recipe) {}

  std::vector<Division> divide(const SelectionContext& context,
                               std::span<const Evidence> evidence) override {
    std::vector<Division> divisions;
    for (GmmFit& fit : fit_mixtures(recipe_, evidence, context)) {
      const std::size_t network = divisions.size();
      divisions.push_back(judge(std::move(fit), recipe_.p_threshold));
      remember(network, context.epoch_of_stage, above(divisions.back().clean, recipe_.p_threshold));
      divisions.back().partition = partition_where(called_clean_throughout(network));
    }
    keep_largest(context.epoch_of_stage);
    return divisions;
  }

  /// Returns run_length - 1, so that the first epoch after the warm-up has a run of `run_length`
  /// epochs.
  std::int64_t warm_up_epochs() const override { return recipe_.run_length - 1; }

  void save(TensorMap& tensors) const override {
    for (std::size_t k = 0; k < histories_.size(); ++k) {
      for (const auto& [epoch, clean] : histories_[k]) {
        tensors.emplace(epoch_name(name_of(k), epoch), to_tensor(clean));
      }
    }
    if (!largest_.empty()) tensors.emplace(kConfidentSet, to_tensor(largest_));
  }

  void load(const TensorMap& tensors) override {
    for (std::size_t k = 0; k < histories_.size(); ++k) {
      histories_[k].clear();
      for_each_epoch(tensors, name_of(k), [&](std::int64_t epoch, const Tensor& clean) {
        histories_[k].emplace(epoch, to_flags(clean));
      });
    }
    const auto set = tensors.find(kConfidentSet);
    largest_ = set == tensors.end() ? std::vector<bool>() : to_flags(set->second);
  }

 private:
  static std::string name_of(std::size_t network) { return fmt::format("clean{}", network + 1); }

  void remember(std::size_t network, std::int64_t epoch, std::vector<bool> clean) {
    auto& history = histories_.at(network);
    history.erase(history.upper_bound(epoch), history.end());  // left by an earlier run
    history.insert_or_assign(epoch, std::move(clean));
    history.erase(history.begin(), history.lower_bound(epoch - recipe_.run_length + 1));
  }

  std::vector<bool> called_clean_throughout(std::size_t network) const {
    const auto& history = histories_.at(network);
    std::vector<bool> all = history.begin()->second;
    for (const auto& [epoch, clean] : history) {
      for (std::size_t i = 0; i < all.size(); ++i) all[i] = all[i] && clean[i];
    }
    return all;
  }

  /// Updates the largest set; keeps the latest of equally large ones. Sets of the warm-up do not
  /// count.
  void keep_largest(std::int64_t epoch) {
    const std::int64_t first =
        std::max(recipe_.warm_up, recipe_.num_epochs - recipe_.confident_window);
    if (epoch < first) return;
    std::vector<bool> set = called_clean_throughout(0);
    if (std::ranges::count(set, true) >= std::ranges::count(largest_, true)) {
      largest_ = std::move(set);
    }
  }

  Recipe recipe_;
  /// Samples that each network called clean, by epoch.
  std::array<std::map<std::int64_t, std::vector<bool>>, 2> histories_;
  std::vector<bool> largest_;
};

class ConfidentMixtureSelection : public Selection {
 public:
  explicit ConfidentMixtureSelection(const Recipe& recipe) : recipe_(recipe) {}

  std::vector<Division> divide(const SelectionContext& context,
                               std::span<const Evidence> evidence) override {
    require(confident_.size() == context.noisy_labels.size(),
            "the first run has left a set of {} samples for {}; it ended before it divided them: "
            "use more epochs or a shorter --warm_up",
            confident_.size(), context.noisy_labels.size());
    std::vector<Division> divisions;
    for (GmmFit& fit : fit_mixtures(recipe_, evidence, context)) {
      Division division = judge(std::move(fit), recipe_.p_threshold);
      for (std::size_t i = 0; i < confident_.size(); ++i) {
        if (confident_[i]) division.weight[i] = 1.0;
      }
      division.clean = division.weight;
      division.partition = partition_where(above(division.weight, recipe_.p_threshold));
      division.num_clean = std::ssize(division.partition.labelled);
      divisions.push_back(std::move(division));
    }
    return divisions;
  }

  void save(TensorMap& tensors) const override {
    tensors.emplace(kConfidentSet, to_tensor(confident_));
  }
  void load(const TensorMap& tensors) override {
    const auto set = tensors.find(kConfidentSet);
    confident_ = set == tensors.end() ? std::vector<bool>() : to_flags(set->second);
  }

 private:
  Recipe recipe_;
  std::vector<bool> confident_;
};

}  // namespace

std::unique_ptr<Selection> make_high_confidence(const Recipe& recipe) {
  return std::make_unique<HighConfidenceSelection>(recipe);
}

std::unique_ptr<Selection> make_confident_mixture(const Recipe& recipe) {
  return std::make_unique<ConfidentMixtureSelection>(recipe);
}

}  // namespace bptplr
