#include "bpt_plr/results/audit/label_model.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "engine/error.hpp"
#include "kernels/parallel.hpp"

namespace bptplr {
namespace {

/// Range and number of temperatures in the grid, evenly spaced in their logarithms; the
/// neighbourhood of the best is then refined.
constexpr double kLeastTemperature = 0.05;
constexpr double kMostTemperature = 20.0;
constexpr int kTemperatures = 13;
constexpr int kRefinements = 4;
/// Range and number of prior strengths that are tried, in samples.
constexpr double kLeastStrength = 10.0;
constexpr double kMostStrength = 1e5;
constexpr int kStrengths = 13;
/// Expectation maximisation starts with the transitions of uniform noise at this rate and stops
/// after kMaxSteps, or when no transition changes by kTolerance or more.
constexpr double kFirstRate = 0.3;
constexpr int kMaxSteps = 200;
constexpr double kTolerance = 1e-5;
/// Number of samples that a thread processes at a time.
constexpr std::int64_t kGrain = 1024;

struct Samples {
  std::int64_t count;
  std::int64_t classes;
  const float* logits;  ///< [count, classes]
  std::span<const std::int64_t> labels;

  std::span<const float> row(std::int64_t i) const {
    return {logits + i * classes, static_cast<std::size_t>(classes)};
  }
  std::int64_t label(std::int64_t i) const { return labels[static_cast<std::size_t>(i)]; }
};

/// Returns the k-th of `count` numbers from `low` to `high`, evenly spaced in their logarithms.
double spaced(double low, double high, int k, int count) {
  return low * std::pow(high / low, static_cast<double>(k) / (count - 1));
}

/// Returns p(x) = softmax(z / temperature) of all samples. The fit stores it, as every step needs
/// it and exponentials are slow.
std::vector<float> tempered(const Samples& samples, double temperature) {
  std::vector<float> all(static_cast<std::size_t>(samples.count * samples.classes));
  kernels::parallel_for(samples.count, kGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::span<const float> z = samples.row(i);
      float* p = all.data() + i * samples.classes;
      const double most = *std::ranges::max_element(z);
      double sum = 0.0;
      for (std::size_t c = 0; c < z.size(); ++c) {
        const double value = std::exp((static_cast<double>(z[c]) - most) / temperature);
        p[c] = static_cast<float>(value);
        sum += value;
      }
      for (std::size_t c = 0; c < z.size(); ++c) p[c] /= static_cast<float>(sum);
    }
  });
  return all;
}

/// Result of the fit at one temperature.
struct NoiseFit {
  double temperature = 1.0;
  double noise_rate = kFirstRate;
  double strength = kMostStrength;
  std::vector<double> transition;  ///< [C, C], true class first
  std::vector<double> joint;       ///< [C, C], label first
  double log_evidence = -std::numeric_limits<double>::infinity();
};

/// Fits the noise model by expectation maximisation at one temperature.
class NoiseFitter {
 public:
  NoiseFitter(const Samples& samples, const std::vector<std::vector<std::int64_t>>& members,
              double temperature)
      : classes_(static_cast<std::size_t>(samples.classes)),
        count_(samples.count),
        members_(members),
        p_(tempered(samples, temperature)) {
    fit_.temperature = temperature;
    fit_.transition.resize(classes_ * classes_);
    for (std::size_t k = 0; k < fit_.transition.size(); ++k) {
      fit_.transition[k] = prior_mean(k / classes_ == k % classes_);
    }
  }

  NoiseFit run() {
    double log_likelihood = expect();
    for (int step = 0; step < kMaxSteps; ++step) {
      const double change = maximise();
      log_likelihood = expect();
      if (change < kTolerance) break;
    }
    // Cheeseman and Stutz: the log-likelihood at the estimate, plus the log-evidence of the counts
    // under the prior, minus their log-likelihood under the fitted transitions.
    fit_.log_evidence =
        log_likelihood + log_evidence_of_counts(fit_.strength) - log_likelihood_of_counts();
    return std::move(fit_);
  }

 private:
  /// Returns the prior mean of T[c, y]: uniform noise.
  double prior_mean(bool is_right) const {
    return is_right ? 1.0 - fit_.noise_rate : fit_.noise_rate / static_cast<double>(classes_ - 1);
  }

  double& transition(std::size_t truth, std::size_t label) {
    return fit_.transition[truth * classes_ + label];
  }
  double joint(std::size_t truth, std::size_t label) const {
    return fit_.joint[label * classes_ + truth];
  }
  double samples_of_class(std::size_t truth) const {
    double sum = 0.0;
    for (std::size_t label = 0; label < classes_; ++label) sum += joint(truth, label);
    return sum;
  }

  /// Counts the samples of each class for each label; returns the log-likelihood of the labels. A
  /// thread processes whole labels, so that sums do not depend on the number of threads.
  double expect() {
    fit_.joint.assign(classes_ * classes_, 0.0);
    std::vector<double> log_likelihood(classes_, 0.0);
    kernels::parallel_for(std::ssize(members_), 1, [&](std::int64_t begin, std::int64_t end) {
      for (auto label = static_cast<std::size_t>(begin); label < static_cast<std::size_t>(end);
           ++label) {
        log_likelihood[label] = expect_label(label);
      }
    });
    return std::accumulate(log_likelihood.begin(), log_likelihood.end(), 0.0);
  }

  double expect_label(std::size_t label) {
    std::vector<double> noise(classes_);
    for (std::size_t c = 0; c < classes_; ++c) noise[c] = transition(c, label);
    double* counts = fit_.joint.data() + label * classes_;
    double log_likelihood = 0.0;
    for (const std::int64_t i : members_[label]) {
      const float* p = p_.data() + static_cast<std::size_t>(i) * classes_;
      double sum = 0.0;
      for (std::size_t c = 0; c < classes_; ++c) sum += static_cast<double>(p[c]) * noise[c];
      for (std::size_t c = 0; c < classes_; ++c) {
        counts[c] += static_cast<double>(p[c]) * noise[c] / sum;
      }
      log_likelihood += std::log(sum);
    }
    return log_likelihood;
  }

  /// Updates noise rate, strength and transitions; returns the largest change of a transition.
  double maximise() {
    double right = 0.0;
    for (std::size_t c = 0; c < classes_; ++c) right += joint(c, c);
    // Laplace's rule of succession: the rate is never 0, so that labels have an order even where
    // none of them looks wrong.
    const auto n = static_cast<double>(count_);
    fit_.noise_rate = (n - right + 1.0) / (n + 2.0);
    fit_.strength = best_strength();
    double change = 0.0;
    for (std::size_t truth = 0; truth < classes_; ++truth) {
      const double of_class = samples_of_class(truth);
      for (std::size_t label = 0; label < classes_; ++label) {
        const double prior = fit_.strength * prior_mean(truth == label);
        const double now = (joint(truth, label) + prior) / (of_class + fit_.strength);
        change = std::max(change, std::abs(now - transition(truth, label)));
        transition(truth, label) = now;
      }
    }
    return change;
  }

  /// Returns the prior strength under which the counts are most likely.
  double best_strength() const {
    double best = kLeastStrength;
    double most = -std::numeric_limits<double>::infinity();
    for (int k = 0; k < kStrengths; ++k) {
      const double strength = spaced(kLeastStrength, kMostStrength, k, kStrengths);
      const double evidence = log_evidence_of_counts(strength);
      if (evidence <= most) continue;
      most = evidence;
      best = strength;
    }
    return best;
  }

  /// Returns the log-probability of the counts with the transitions integrated out: one
  /// Dirichlet-multinomial for each class.
  double log_evidence_of_counts(double strength) const {
    double sum = 0.0;
    for (std::size_t truth = 0; truth < classes_; ++truth) {
      sum += std::lgamma(strength) - std::lgamma(strength + samples_of_class(truth));
      for (std::size_t label = 0; label < classes_; ++label) {
        const double prior = strength * prior_mean(truth == label);
        sum += std::lgamma(prior + joint(truth, label)) - std::lgamma(prior);
      }
    }
    return sum;
  }

  /// Returns the log-probability of the counts given the transitions.
  double log_likelihood_of_counts() {
    double sum = 0.0;
    for (std::size_t truth = 0; truth < classes_; ++truth) {
      for (std::size_t label = 0; label < classes_; ++label) {
        sum += joint(truth, label) * std::log(transition(truth, label));
      }
    }
    return sum;
  }

  std::size_t classes_;
  std::int64_t count_;
  const std::vector<std::vector<std::int64_t>>& members_;  ///< samples of each label
  std::vector<float> p_;                                   ///< [N, C]
  NoiseFit fit_;
};

/// Returns the fit at the temperature with the largest evidence: a grid search, then a refinement
/// around its maximum.
NoiseFit fit_noise(const Samples& samples) {
  std::vector<std::vector<std::int64_t>> members(static_cast<std::size_t>(samples.classes));
  for (std::int64_t i = 0; i < samples.count; ++i) {
    members[static_cast<std::size_t>(samples.label(i))].push_back(i);
  }
  NoiseFit best;
  const auto try_temperature = [&](double temperature) {
    NoiseFit fit = NoiseFitter(samples, members, temperature).run();
    if (fit.log_evidence > best.log_evidence) best = std::move(fit);
  };
  for (int k = 0; k < kTemperatures; ++k) {
    try_temperature(spaced(kLeastTemperature, kMostTemperature, k, kTemperatures));
  }
  double step = std::pow(kMostTemperature / kLeastTemperature, 1.0 / (kTemperatures - 1));
  for (int k = 0; k < kRefinements; ++k) {
    step = std::sqrt(step);
    const double middle = best.temperature;
    try_temperature(middle / step);
    try_temperature(middle * step);
  }
  return best;
}

/// Writes the results of one sample, computed in logarithms, which do not underflow when a network
/// is certain. `log_p` is scratch space for the classes.
void judge(const Samples& samples, std::int64_t i, LabelModel& model, std::vector<double>& log_p) {
  const auto label = static_cast<std::size_t>(samples.label(i));
  const std::span<const float> z = samples.row(i);
  std::size_t best = label == 0 ? 1 : 0;
  for (std::size_t c = 0; c < z.size(); ++c) {
    log_p[c] = static_cast<double>(z[c]) / model.temperature +
               std::log(model.transition[c * z.size() + label]);
    if (c != label && log_p[c] > log_p[best]) best = c;
  }
  double others = 0.0;
  for (std::size_t c = 0; c < z.size(); ++c) {
    if (c != label) others += std::exp(log_p[c] - log_p[best]);
  }
  const auto sample = static_cast<std::size_t>(i);
  model.wrong_log_odds[sample] = log_p[best] + std::log(others) - log_p[label];
  model.suggested[sample] = static_cast<std::int64_t>(best);
}

void check(const Samples& samples) {
  require(samples.classes >= 2, "labels can be wrong only where there are two classes, not {}",
          samples.classes);
  require(samples.count > 0, "there is no sample whose label could be judged");
  require(samples.count == std::ssize(samples.labels),
          "there are predictions of {} samples, but {} labels", samples.count,
          samples.labels.size());
  for (std::int64_t i = 0; i < samples.count; ++i) {
    require(samples.label(i) >= 0 && samples.label(i) < samples.classes,
            "the label of sample {} is {}, but there are the classes 0 to {}", i, samples.label(i),
            samples.classes - 1);
    require(std::ranges::all_of(samples.row(i), [](float z) { return std::isfinite(z); }),
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
  const Samples samples{logits.size(0), logits.size(1), logits.data<float>(), labels};
  check(samples);
  NoiseFit fit = fit_noise(samples);
  LabelModel model{fit.temperature,
                   fit.noise_rate,
                   fit.strength,
                   std::move(fit.transition),
                   std::move(fit.joint),
                   std::vector<double>(labels.size()),
                   std::vector<std::int64_t>(labels.size())};
  kernels::parallel_for(samples.count, kGrain, [&](std::int64_t begin, std::int64_t end) {
    std::vector<double> log_p(static_cast<std::size_t>(samples.classes));
    for (std::int64_t i = begin; i < end; ++i) judge(samples, i, model, log_p);
  });
  return model;
}

}  // namespace bptplr
