#include "bpt_plr/results/audit/explainer.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "bpt_plr/results/audit/confident.hpp"
#include "bpt_plr/results/audit/unmixing.hpp"

namespace bptplr {
namespace {

/// Range and number of temperatures in the grid, evenly spaced in their logarithms. Between those
/// that may matter, kBetween further ones are fitted.
constexpr double kLeastTemperature = 0.05;
constexpr double kMostTemperature = 20.0;
constexpr int kTemperatures = 13;
constexpr int kBetween = 3;
/// Log-evidence a sample up to which a temperature of the grid may matter, and in all for few.
constexpr double kMayMatter = 0.03;
constexpr double kMayMatterAtLeast = 10.0;
/// What the steps that are left after the first few may add to the log-evidence a sample, and in
/// all, with room, and by what they may multiply the number of wrong labels.
constexpr double kHopeless = 0.15;
constexpr double kHopelessAtLeast = 60.0;
constexpr double kMayFind = 1.3;
/// Temperatures for unmixed predictions, which are those of labels that the fit has calibrated.
constexpr double kLeastUnmixed = 0.3;
constexpr double kMostUnmixed = 1.6;
constexpr int kUnmixedTemperatures = 13;
/// Parts of the work that unmixing takes.
constexpr int kPartsOfUnmixing = 5;
/// Explanations with less weight among those of their kind are left out.
constexpr double kLeastWeight = 1e-5;

constexpr int kSteps = kBetween + 1;
constexpr int kFine = (kTemperatures - 1) * kSteps + 1;

/// Returns the indices of the grid from the middle outwards, where the best temperature most often
/// is: one that is far behind it is soon given up.
std::vector<int> from_the_middle(int count) {
  std::vector<int> order;
  for (int k = 0; k < count; ++k) {
    order.push_back(count / 2 + (k % 2 == 1 ? (k + 1) / 2 : -k / 2));
  }
  return order;
}

double temperature_of(const Explanation& one) {
  return one.fit.temperature;
}

}  // namespace

std::int64_t Explainer::parts() {
  return kFine + kPartsOfUnmixing + kUnmixedTemperatures;
}

void Explainer::explain_by_classes() {
  for (const int k : from_the_middle(kTemperatures)) {
    add(samples_, spaced(kLeastTemperature, kMostTemperature, k, kTemperatures), false);
  }
  std::ranges::sort(all_, {}, temperature_of);
  std::vector<double> evidence;
  for (const Explanation& one : all_) evidence.push_back(one.fit.log_evidence);
  const double least =
      most(false) - std::max(kMayMatterAtLeast, kMayMatter * static_cast<double>(samples_.count));
  for (int k = 0; k + 1 < kTemperatures; ++k) {
    const auto left = static_cast<std::size_t>(k);
    if (std::max(evidence[left], evidence[left + 1]) < least) continue;
    for (int step = 1; step < kSteps; ++step) {
      add(samples_, spaced(kLeastTemperature, kMostTemperature, k * kSteps + step, kFine), false);
    }
  }
  progress_.reach(kFine);
}

void Explainer::explain_by_labels() {
  const auto alive = [this] { progress_.alive(); };
  scratch_ = std::vector<float>();  // room for what unmixing needs
  unmixed_ = unmixed_logits(samples_, label_probabilities(samples_, best().fit, alive), alive);
  progress_.reach(kFine + kPartsOfUnmixing);
  if (!unmixed_) return progress_.reach(parts());
  unmixed_samples_.emplace(samples_.count, samples_.classes, unmixed_->data(), samples_.labels);
  for (const int k : from_the_middle(kUnmixedTemperatures)) {
    add(*unmixed_samples_, spaced(kLeastUnmixed, kMostUnmixed, k, kUnmixedTemperatures), true);
  }
  std::ranges::sort(all_.end() - kUnmixedTemperatures, all_.end(), {}, temperature_of);
}

const Explanation& Explainer::best() const {
  return *std::ranges::max_element(all_, {},
                                   [](const Explanation& one) { return one.fit.log_evidence; });
}

std::vector<double> Explainer::weigh() {
  std::vector<double> weights = weights_of(supports(), static_cast<double>(samples_.count));
  const double unmixed = unmixed_share(all_, weights);
  std::vector<Explanation> kept;
  for (std::size_t k = 0; k < all_.size(); ++k) {
    const double of_kind = all_[k].unmixed ? std::max(unmixed, kLeastWeight) : 1.0 - unmixed;
    if (weights[k] >= kLeastWeight * of_kind) kept.push_back(std::move(all_[k]));
  }
  all_ = std::move(kept);
  return weights_of(supports(), static_cast<double>(samples_.count));
}

std::vector<Support> Explainer::supports() const {
  std::vector<Support> result;
  for (const Explanation& one : all_) {
    result.push_back({one.unmixed, one.fit.log_evidence, one.fit.expected_wrong});
  }
  return result;
}

double Explainer::raise(const std::vector<double>& weights) const {
  double share = 0.0;
  double number = 0.0;
  for (std::size_t k = 0; k < all_.size(); ++k) {
    if (!all_[k].unmixed) continue;
    share += weights[k];
    number += weights[k] * all_[k].fit.expected_wrong;
  }
  if (number <= 0.0) return 1.0;
  return std::max(1.0, share * confident_number(samples_, tempered(samples_, 1.0)) / number);
}

void Explainer::add(const LabelledSamples& samples, double temperature, bool unmixed) {
  const FitControl control{
      [this] { progress_.alive(); },
      [&](double evidence, double wrong) { return is_hopeless(unmixed, evidence, wrong); }};
  all_.push_back({&samples, unmixed, fit_noise(samples, temperature, control, scratch_)});
  release_hopeless(unmixed);
  progress_.finish_one();
}

bool Explainer::is_hopeless(bool unmixed, double log_evidence, double expected_wrong) const {
  const auto n = static_cast<double>(samples_.count);
  const double gain = std::max(kHopelessAtLeast, kHopeless * n);
  if (log_evidence + gain < most(unmixed)) return true;
  if (!unmixed) return false;
  const Explanation& plain = best();
  const double may_find = std::min(n, kMayFind * expected_wrong) - plain.fit.expected_wrong;
  return log_evidence + gain < plain.fit.log_evidence - most_cost_of_learnt_noise(may_find);
}

void Explainer::release_hopeless(bool unmixed) {
  const double least = most(unmixed) - reach_of_weights(static_cast<double>(samples_.count));
  for (Explanation& one : all_) {
    if (one.unmixed != unmixed || one.fit.log_evidence >= least) continue;
    one.fit.transition = std::vector<float>();
    one.fit.joint = std::vector<float>();
  }
}

double Explainer::most(bool unmixed) const {
  double most = -std::numeric_limits<double>::infinity();
  for (const Explanation& one : all_) {
    if (one.unmixed == unmixed) most = std::max(most, one.fit.log_evidence);
  }
  return most;
}

}  // namespace bptplr
