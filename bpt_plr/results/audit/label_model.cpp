#include "bpt_plr/results/audit/label_model.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <utility>

#include "bpt_plr/results/audit/confident.hpp"
#include "bpt_plr/results/audit/model_average.hpp"
#include "bpt_plr/results/audit/noise_fit.hpp"
#include "bpt_plr/results/audit/unmixing.hpp"
#include "engine/error.hpp"
#include "kernels/parallel.hpp"

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
/// Temperatures for unmixed predictions, which are those of labels that the fit has calibrated.
constexpr double kLeastUnmixed = 0.3;
constexpr double kMostUnmixed = 1.6;
constexpr int kUnmixedTemperatures = 13;
/// Explanations with less weight among those of their kind are left out.
constexpr double kLeastWeight = 1e-5;

/// Returns the samples whose label a fit expects to be wrong.
double expected_wrong(const NoiseFit& fit, std::size_t classes) {
  double sum = 0.0;
  for (std::size_t k = 0; k < fit.joint.size(); ++k) {
    if (k / classes != k % classes) sum += fit.joint[k];
  }
  return sum;
}

class Explainer {
 public:
  explicit Explainer(const LabelledSamples& samples) : samples_(samples) {}

  /// Fits the temperatures of the grid, and those between that may matter.
  void explain_by_classes() {
    for (int k = 0; k < kTemperatures; ++k) {
      add(samples_, spaced(kLeastTemperature, kMostTemperature, k, kTemperatures), false);
    }
    const double least =
        best().fit.log_evidence -
        std::max(kMayMatterAtLeast, kMayMatter * static_cast<double>(samples_.count));
    const int steps = kBetween + 1;
    for (int k = 0; k + 1 < kTemperatures; ++k) {
      const auto left = static_cast<std::size_t>(k);
      if (std::max(all_[left].fit.log_evidence, all_[left + 1].fit.log_evidence) < least) continue;
      for (int step = 1; step < steps; ++step) {
        add(samples_,
            spaced(kLeastTemperature, kMostTemperature, k * steps + step,
                   (kTemperatures - 1) * steps + 1),
            false);
      }
    }
  }

  /// Takes the networks to have learnt the noise.
  void explain_by_labels() {
    unmixed_ = unmixed_logits(samples_, label_probabilities(samples_, best().fit));
    if (!unmixed_) return;
    const LabelledSamples classes(samples_.count, samples_.classes, unmixed_->data(),
                                  samples_.labels);
    for (int k = 0; k < kUnmixedTemperatures; ++k) {
      add(classes, spaced(kLeastUnmixed, kMostUnmixed, k, kUnmixedTemperatures), true);
    }
  }

  const Explanation& best() const {
    return *std::ranges::max_element(all_, {},
                                     [](const Explanation& one) { return one.fit.log_evidence; });
  }

  /// Leaves out what has no weight; returns the weights of the others.
  std::vector<double> weigh() {
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

  std::vector<Support> supports() const {
    std::vector<Support> result;
    for (const Explanation& one : all_) {
      result.push_back({one.unmixed, one.fit.log_evidence, one.expected_wrong});
    }
    return result;
  }

  const std::vector<Explanation>& all() const { return all_; }

  /// Returns by what to multiply the number of wrong labels of unmixed explanations: unmixing cuts
  /// some off, and confident learning, of the same hypothesis, finds those that it finds.
  double raise(const std::vector<double>& weights) const {
    double share = 0.0;
    double number = 0.0;
    for (std::size_t k = 0; k < all_.size(); ++k) {
      if (!all_[k].unmixed) continue;
      share += weights[k];
      number += weights[k] * all_[k].expected_wrong;
    }
    if (number <= 0.0) return 1.0;
    return std::max(1.0, share * confident_number(samples_, tempered(samples_, 1.0)) / number);
  }

 private:
  void add(const LabelledSamples& samples, double temperature, bool unmixed) {
    Explanation one{samples.logits, unmixed, fit_noise(samples, temperature), 0.0};
    one.expected_wrong = expected_wrong(one.fit, static_cast<std::size_t>(samples.classes));
    all_.push_back(std::move(one));
  }

  const LabelledSamples& samples_;
  std::optional<std::vector<float>> unmixed_;
  std::vector<Explanation> all_;
};

/// Writes averages of what the explanations estimate.
void average(const std::vector<Explanation>& explanations, const std::vector<double>& weights,
             std::int64_t classes, double raise, LabelModel& model) {
  const auto cells = static_cast<std::size_t>(classes * classes);
  model.transition.assign(cells, 0.0);
  model.joint.assign(cells, 0.0);
  double log_temperature = 0.0;
  double log_strength = 0.0;
  double plain = 0.0;
  for (std::size_t k = 0; k < explanations.size(); ++k) {
    const NoiseFit& fit = explanations[k].fit;
    model.noise_rate += weights[k] * fit.noise_rate;
    model.expected_wrong +=
        weights[k] * explanations[k].expected_wrong * (explanations[k].unmixed ? raise : 1.0);
    log_strength += weights[k] * std::log(fit.strength);
    if (!explanations[k].unmixed) {
      log_temperature += weights[k] * std::log(fit.temperature);
      plain += weights[k];
    }
    for (std::size_t cell = 0; cell < cells; ++cell) {
      model.transition[cell] += weights[k] * fit.transition[cell];
      model.joint[cell] += weights[k] * fit.joint[cell];
    }
  }
  model.temperature = std::exp(log_temperature / plain);
  model.prior_strength = std::exp(log_strength);
  model.learnt_noise = unmixed_share(explanations, weights);
}

/// Judges single samples.
class Judge {
 public:
  Judge(const LabelledSamples& samples, const std::vector<Explanation>& explanations,
        const std::vector<double>& weights, LabelModel& model)
      : samples_(samples),
        explanations_(explanations),
        weights_(weights),
        share_(unmixed_share(explanations, weights)),
        model_(model) {}

  /// Judges the samples of block b.
  BlockSums judge_block(std::int64_t b) const {
    const std::vector<double> none(explanations_.size(), 0.0);
    BlockSums sums{none, none, none, none};
    std::vector<double> log_p(static_cast<std::size_t>(samples_.classes));
    std::vector<double> posterior(log_p.size());
    std::vector<double> odds(explanations_.size());
    for (std::int64_t i = b; i < samples_.count; i += kBlocks) {
      std::ranges::fill(posterior, 0.0);
      for (std::size_t k = 0; k < odds.size(); ++k) odds[k] = explain(i, k, log_p, posterior, sums);
      conclude(i, odds, posterior);
    }
    return sums;
  }

 private:
  /// Adds P(class | label) of explanation k to `posterior`, times its weight; returns the
  /// log-odds that the label is wrong. All in logarithms, which do not underflow when a network is
  /// certain. `log_p` is scratch space.
  double explain(std::int64_t i, std::size_t k, std::vector<double>& log_p,
                 std::vector<double>& posterior, BlockSums& sums) const {
    const Explanation& by = explanations_[k];
    const auto label = static_cast<std::size_t>(samples_.label(i));
    const std::size_t classes = log_p.size();
    const float* z = by.logits + static_cast<std::size_t>(i) * classes;
    const double top = static_cast<double>(*std::max_element(z, z + classes));
    double all = 0.0;
    for (std::size_t c = 0; c < classes; ++c) {
      log_p[c] = (static_cast<double>(z[c]) - top) / by.fit.temperature;
      all += std::exp(log_p[c]);
      log_p[c] += std::log(by.fit.transition[c * classes + label]);
    }
    std::size_t best = label == 0 ? 1 : 0;
    for (std::size_t c = 0; c < classes; ++c) {
      if (c != label && log_p[c] > log_p[best]) best = c;
    }
    double others = 0.0;
    for (std::size_t c = 0; c < classes; ++c) {
      if (c != label) others += std::exp(log_p[c] - log_p[best]);
    }
    const double log_wrong = log_p[best] + std::log(others);
    const double odds = log_wrong - log_p[label];
    const double most = std::max(log_wrong, log_p[label]);
    const double log_sum =
        most + std::log(std::exp(log_wrong - most) + std::exp(log_p[label] - most));
    for (std::size_t c = 0; c < classes; ++c) {
      posterior[c] += weights_[k] * std::exp(log_p[c] - log_sum);
    }
    const double wrong = 1.0 / (1.0 + std::exp(-odds));
    sums.log_likelihood[k] += log_sum - std::log(all);
    sums.sureness[k] += 1.0 / all;
    sums.wrong[k] += wrong;
    sums.variance[k] += wrong * (1.0 - wrong);
    return odds;
  }

  /// Writes the averages over the explanations.
  void conclude(std::int64_t i, const std::vector<double>& odds,
                const std::vector<double>& posterior) const {
    const auto sample = static_cast<std::size_t>(i);
    const auto label = static_cast<std::size_t>(samples_.label(i));
    std::size_t best = label == 0 ? 1 : 0;
    for (std::size_t c = 0; c < posterior.size(); ++c) {
      if (c != label && posterior[c] > posterior[best]) best = c;
    }
    model_.suggested[sample] = static_cast<std::int64_t>(best);
    const double plain = mean_odds(odds, false);
    model_.wrong_log_odds[sample] =
        share_ > 0.0 ? pooled_odds(plain, mean_odds(odds, true), share_) : plain;
  }

  /// Returns the log-odds of the mean probability of explanations of one kind.
  double mean_odds(const std::vector<double>& odds, bool unmixed) const {
    return log_share(odds, unmixed, 1.0) - log_share(odds, unmixed, -1.0);
  }

  /// Returns, up to a constant, the logarithm of the mean of the logistic function of sign * odds.
  double log_share(const std::vector<double>& odds, bool unmixed, double sign) const {
    double most = -std::numeric_limits<double>::infinity();
    std::vector<double> terms(odds.size());
    for (std::size_t k = 0; k < odds.size(); ++k) {
      if (explanations_[k].unmixed != unmixed) continue;
      const double x = sign * odds[k];
      terms[k] = std::min(x, 0.0) - std::log1p(std::exp(-std::abs(x)));
      most = std::max(most, terms[k]);
    }
    double sum = 0.0;
    for (std::size_t k = 0; k < odds.size(); ++k) {
      if (explanations_[k].unmixed == unmixed) sum += weights_[k] * std::exp(terms[k] - most);
    }
    return most + std::log(sum);
  }

  const LabelledSamples& samples_;
  const std::vector<Explanation>& explanations_;
  const std::vector<double>& weights_;
  double share_;
  LabelModel& model_;
};

/// Makes the odds expect model.expected_wrong, and the joint what the odds expect of each label.
void settle_number(const LabelledSamples& samples, LabelModel& model) {
  const double shift = shift_to_number(model.wrong_log_odds, model.expected_wrong);
  for (double& odds : model.wrong_log_odds) odds += shift;
  const auto classes = static_cast<std::size_t>(samples.classes);
  for (std::size_t y = 0; y < classes; ++y) {
    double wrong = 0.0;
    for (const std::int64_t i : samples.members[y]) {
      wrong += model.wrong_probability(static_cast<std::size_t>(i));
    }
    double* row = model.joint.data() + y * classes;
    const double before = std::accumulate(row, row + classes, 0.0) - row[y];
    if (before <= 0.0) continue;
    for (std::size_t c = 0; c < classes; ++c) row[c] *= wrong / before;
    row[y] = static_cast<double>(samples.members[y].size()) - wrong;
  }
}

/// Returns the log-evidence of the labels if predictions say nothing about them.
double log_evidence_of_labels(const LabelledSamples& samples) {
  const auto classes = static_cast<double>(samples.classes);
  double sum = std::lgamma(classes) - std::lgamma(classes + static_cast<double>(samples.count));
  for (const auto& of_label : samples.members) {
    sum += std::lgamma(1.0 + static_cast<double>(of_label.size()));
  }
  return sum;
}

void check(const Tensor& logits, std::span<const std::int64_t> labels) {
  const std::int64_t count = logits.size(0);
  const std::int64_t classes = logits.size(1);
  require(classes >= 2, "labels can be wrong only where there are two classes, not {}", classes);
  require(count > 0, "there is no sample whose label could be judged");
  require(count == std::ssize(labels), "there are predictions of {} samples, but {} labels", count,
          labels.size());
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t label = labels[static_cast<std::size_t>(i)];
    require(label >= 0 && label < classes,
            "the label of sample {} is {}, but there are the classes 0 to {}", i, label,
            classes - 1);
    const auto row = logits.span<float>().subspan(static_cast<std::size_t>(i * classes),
                                                  static_cast<std::size_t>(classes));
    require(std::ranges::all_of(row, [](float z) { return std::isfinite(z); }),
            "a network's prediction of sample {} is not a number: training has diverged; train "
            "again with a lower learning rate",
            i);
  }
}

}  // namespace

double LabelModel::wrong_probability(std::size_t i) const {
  return 1.0 / (1.0 + std::exp(-wrong_log_odds[i]));
}

LabelModel fit_label_model(const Tensor& logits, std::span<const std::int64_t> labels) {
  check(logits, labels);
  const LabelledSamples samples(logits.size(0), logits.size(1), logits.data<float>(), labels);
  Explainer explainer(samples);
  explainer.explain_by_classes();
  explainer.explain_by_labels();
  LabelModel model;
  model.information = (explainer.best().fit.log_evidence - log_evidence_of_labels(samples)) /
                      static_cast<double>(samples.count);
  const std::vector<double> weights = explainer.weigh();
  const double raise = explainer.raise(weights);
  average(explainer.all(), weights, samples.classes, raise, model);
  model.wrong_log_odds.resize(labels.size());
  model.suggested.resize(labels.size());
  const Judge judge(samples, explainer.all(), weights, model);
  std::vector<BlockSums> blocks(static_cast<std::size_t>(std::min(kBlocks, samples.count)));
  kernels::parallel_for(std::ssize(blocks), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t b = begin; b < end; ++b) {
      blocks[static_cast<std::size_t>(b)] = judge.judge_block(b);
    }
  });
  for (const BlockSums& block : blocks) {
    for (std::size_t k = 0; k < weights.size(); ++k) {
      model.sureness += weights[k] * block.sureness[k] / static_cast<double>(samples.count);
    }
  }
  if (model.learnt_noise > 0.0) settle_number(samples, model);
  model.wrong_interval = wrong_interval(explainer.supports(), blocks, samples.count, raise);
  return model;
}

}  // namespace bptplr
