#include "bpt_plr/results/audit/label_model.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "bpt_plr/results/audit/explainer.hpp"
#include "bpt_plr/results/audit/judge.hpp"
#include "engine/error.hpp"
#include "kernels/parallel.hpp"

namespace bptplr {
namespace {

/// Writes averages of what the explanations estimate.
void average(const std::vector<Explanation>& explanations, const std::vector<double>& weights,
             std::int64_t number_of_classes, double raise, LabelModel& model) {
  const auto classes = static_cast<std::size_t>(number_of_classes);
  std::vector<double> transition(classes * classes, 0.0);
  model.joint.assign(transition.size(), 0.0);
  double log_temperature = 0.0;
  double log_strength = 0.0;
  double plain = 0.0;
  for (std::size_t k = 0; k < explanations.size(); ++k) {
    const NoiseFit& fit = explanations[k].fit;
    model.noise_rate += weights[k] * fit.noise_rate;
    model.expected_wrong +=
        weights[k] * fit.expected_wrong * (explanations[k].unmixed ? raise : 1.0);
    log_strength += weights[k] * std::log(fit.strength);
    if (!explanations[k].unmixed) {
      log_temperature += weights[k] * std::log(fit.temperature);
      plain += weights[k];
    }
    for (std::size_t cell = 0; cell < transition.size(); ++cell) {
      transition[cell] += weights[k] * static_cast<double>(fit.transition[cell]);
      model.joint[cell] += weights[k] * static_cast<double>(fit.joint[cell]);
    }
  }
  model.transition.resize(transition.size());
  for (std::size_t c = 0; c < classes; ++c) {
    for (std::size_t y = 0; y < classes; ++y) {
      model.transition[c * classes + y] = transition[y * classes + c];
    }
  }
  model.temperature = std::exp(log_temperature / plain);
  model.prior_strength = std::exp(log_strength);
  model.learnt_noise = unmixed_share(explanations, weights);
}

/// Makes the odds expect model.expected_wrong, and the joint what the odds expect of each label.
void settle_number(const LabelledSamples& samples, LabelModel& model) {
  const double shift = shift_to_number(model.wrong_log_odds, model.expected_wrong);
  for (double& odds : model.wrong_log_odds) odds += shift;
  const auto classes = static_cast<std::size_t>(samples.classes);
  for (std::size_t y = 0; y < classes; ++y) {
    double wrong = 0.0;
    for (const std::int64_t i : samples.members(y)) {
      wrong += model.wrong_probability(static_cast<std::size_t>(i));
    }
    double* row = model.joint.data() + y * classes;
    const double before = std::accumulate(row, row + classes, 0.0) - row[y];
    if (before <= 0.0) continue;
    for (std::size_t c = 0; c < classes; ++c) row[c] *= wrong / before;
    row[y] = static_cast<double>(samples.members(y).size()) - wrong;
  }
}

/// Returns the log-evidence of the labels if predictions say nothing about them.
double log_evidence_of_labels(const LabelledSamples& samples) {
  const auto classes = static_cast<double>(samples.classes);
  double sum = std::lgamma(classes) - std::lgamma(classes + static_cast<double>(samples.count));
  for (std::size_t y = 0; y + 1 < samples.first_of.size(); ++y) {
    sum += std::lgamma(1.0 + static_cast<double>(samples.members(y).size()));
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
  kernels::parallel_for(count, kAuditGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
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
  });
}

}  // namespace

double LabelModel::wrong_probability(std::size_t i) const {
  return 1.0 / (1.0 + std::exp(-wrong_log_odds[i]));
}

LabelModel fit_label_model(const Tensor& logits, std::span<const std::int64_t> labels,
                           const AuditProgress& progress) {
  check(logits, labels);
  const LabelledSamples samples(logits.size(0), logits.size(1), logits.data<float>(), labels);
  const auto count = static_cast<double>(samples.count);
  ProgressCounter parts(progress, Explainer::parts() + kPartsOfJudging);
  Explainer explainer(samples, parts);
  explainer.explain_by_classes();
  explainer.explain_by_labels();
  LabelModel model;
  model.information = (explainer.best().fit.log_evidence - log_evidence_of_labels(samples)) / count;
  const std::vector<double> weights = explainer.weigh();
  const double raise = explainer.raise(weights);
  average(explainer.all(), weights, samples.classes, raise, model);
  Judgement judgement = judge_samples(samples, explainer.all(), weights, parts);
  model.wrong_log_odds = std::move(judgement.wrong_log_odds);
  model.suggested = std::move(judgement.suggested);
  for (const BlockSums& block : judgement.blocks) {
    for (std::size_t k = 0; k < weights.size(); ++k) {
      model.sureness += weights[k] * block.sureness[k] / count;
    }
  }
  if (model.learnt_noise > 0.0) settle_number(samples, model);
  model.wrong_interval =
      wrong_interval(explainer.supports(), judgement.blocks, samples.count, raise);
  return model;
}

}  // namespace bptplr
