#include "bpt_plr/results/audit/noise_fit.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "kernels/parallel.hpp"

namespace bptplr {
namespace {

/// Range and number of prior strengths that are tried, in samples.
constexpr double kLeastStrength = 10.0;
constexpr double kMostStrength = 1e5;
constexpr int kStrengths = 13;
/// Expectation maximisation stops after kMaxSteps, or when no transition changes by kTolerance or
/// more.
constexpr int kMaxSteps = 200;
constexpr double kTolerance = 1e-5;
/// Prior of structured noise: Dirichlet numbers of a right label, and of all wrong ones together.
constexpr double kSparseRight = 1.0;
constexpr double kSparseWrong = 1.0;
/// Labels whose counts a thread sums up at a time.
constexpr std::int64_t kLabelsAtATime = 16;
/// Every so many steps all prior strengths are compared, between them those beside the last best.
constexpr int kStepsBetweenScans = 10;

/// Returns the logarithm of the gamma function of x > 0. Unlike std::lgamma it writes to no
/// variable that threads share.
double log_gamma(double x) {
  int sign = 0;
  return ::lgamma_r(x, &sign);
}

/// Fits the noise model by expectation maximisation at one temperature.
class NoiseFitter {
 public:
  NoiseFitter(const LabelledSamples& samples, double temperature)
      : classes_(static_cast<std::size_t>(samples.classes)),
        count_(samples.count),
        members_(samples.members),
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
      const double change = maximise(step % kStepsBetweenScans == 0);
      log_likelihood = expect();
      if (change < kTolerance) break;
    }
    of_class_ = samples_of_classes();
    // Cheeseman and Stutz: the log-likelihood at the estimate, plus the log-evidence of the counts
    // under the prior, minus their log-likelihood under the fitted transitions.
    // Half of the prior says that noise is near uniform, half that it is between few classes.
    const double uniform = log_evidence_of_counts(fit_.strength);
    const double sparse = log_sparse_evidence_of_counts();
    const double most = std::max(uniform, sparse);
    fit_.log_likelihood = log_likelihood;
    fit_.log_evidence = log_likelihood - log_likelihood_of_counts() + most +
                        std::log(0.5 * (std::exp(uniform - most) + std::exp(sparse - most)));
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
  /// Returns the samples of each class, whatever their labels.
  std::vector<double> samples_of_classes() const {
    std::vector<double> samples(classes_, 0.0);
    for (std::size_t label = 0; label < classes_; ++label) {
      for (std::size_t truth = 0; truth < classes_; ++truth) samples[truth] += joint(truth, label);
    }
    return samples;
  }
  /// Returns the sum over labels of fn(label), which passes over all classes. The order of the sum
  /// does not depend on the number of threads.
  template <class Fn>
  double sum_over_labels(Fn&& fn) const {
    return kernels::parallel_sum<double>(static_cast<std::int64_t>(classes_), kLabelsAtATime,
                                         [&](std::int64_t begin, std::int64_t end) {
                                           double sum = 0.0;
                                           for (std::int64_t label = begin; label < end; ++label) {
                                             sum += fn(static_cast<std::size_t>(label));
                                           }
                                           return sum;
                                         });
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
  double maximise(bool scan) {
    double right = 0.0;
    for (std::size_t c = 0; c < classes_; ++c) right += joint(c, c);
    // Laplace's rule of succession: the rate is never 0, so that labels have an order even where
    // none of them looks wrong.
    const auto n = static_cast<double>(count_);
    fit_.noise_rate = (n - right + 1.0) / (n + 2.0);
    of_class_ = samples_of_classes();
    choose_strength(scan);
    double change = 0.0;
    for (std::size_t truth = 0; truth < classes_; ++truth) {
      for (std::size_t label = 0; label < classes_; ++label) {
        const double prior = fit_.strength * prior_mean(truth == label);
        const double now = (joint(truth, label) + prior) / (of_class_[truth] + fit_.strength);
        change = std::max(change, std::abs(now - transition(truth, label)));
        transition(truth, label) = now;
      }
    }
    return change;
  }

  static double strength_at(int k) { return spaced(kLeastStrength, kMostStrength, k, kStrengths); }

  /// Moves to the prior strength under which the counts are most likely: among all of them in a
  /// scan, else upwards or downwards from the last one as long as that helps.
  void choose_strength(bool scan) {
    if (scan) {
      int best = 0;
      double most = -std::numeric_limits<double>::infinity();
      for (int k = 0; k < kStrengths; ++k) {
        const double evidence = log_evidence_of_counts(strength_at(k));
        if (evidence <= most) continue;
        most = evidence;
        best = k;
      }
      strength_ = best;
    } else {
      double most = log_evidence_of_counts(strength_at(strength_));
      if (!climb(1, most)) climb(-1, most);
    }
    fit_.strength = strength_at(strength_);
  }

  bool climb(int direction, double most) {
    bool moved = false;
    for (int k = strength_ + direction; k >= 0 && k < kStrengths; k += direction) {
      const double evidence = log_evidence_of_counts(strength_at(k));
      if (evidence <= most) break;
      most = evidence;
      strength_ = k;
      moved = true;
    }
    return moved;
  }

  /// Returns the log-probability of the counts with the transitions integrated out: one
  /// Dirichlet-multinomial for each class.
  double log_evidence_of_counts(double strength) const {
    return log_evidence_of_counts(strength * prior_mean(true), strength * prior_mean(false));
  }

  double log_sparse_evidence_of_counts() const {
    return log_evidence_of_counts(kSparseRight, kSparseWrong / static_cast<double>(classes_ - 1));
  }

  double log_evidence_of_counts(double right, double wrong) const {
    const double strength = right + wrong * static_cast<double>(classes_ - 1);
    const double constants = std::lgamma(strength) - std::lgamma(right) -
                             static_cast<double>(classes_ - 1) * std::lgamma(wrong);
    double sum = 0.0;
    for (const double of_class : of_class_) sum += constants - std::lgamma(strength + of_class);
    return sum + sum_over_labels([&](std::size_t label) {
             double of_label = 0.0;
             for (std::size_t truth = 0; truth < classes_; ++truth) {
               of_label += log_gamma((truth == label ? right : wrong) + joint(truth, label));
             }
             return of_label;
           });
  }

  /// Returns the log-probability of the counts given the transitions.
  double log_likelihood_of_counts() {
    return sum_over_labels([&](std::size_t label) {
      double sum = 0.0;
      for (std::size_t truth = 0; truth < classes_; ++truth) {
        sum += joint(truth, label) * std::log(transition(truth, label));
      }
      return sum;
    });
  }

  std::size_t classes_;
  std::int64_t count_;
  const std::vector<std::vector<std::int64_t>>& members_;  ///< samples of each label
  std::vector<float> p_;                                   ///< [N, C]
  std::vector<double> of_class_;                           ///< [C] samples of each class
  int strength_ = 0;                                       ///< which of kStrengths
  NoiseFit fit_;
};

}  // namespace

double spaced(double low, double high, int k, int count) {
  return low * std::pow(high / low, static_cast<double>(k) / (count - 1));
}

LabelledSamples::LabelledSamples(std::int64_t n, std::int64_t number_of_classes, const float* z,
                                 std::span<const std::int64_t> given)
    : count(n),
      classes(number_of_classes),
      logits(z),
      labels(given),
      members(static_cast<std::size_t>(number_of_classes)) {
  for (std::int64_t i = 0; i < count; ++i) {
    members[static_cast<std::size_t>(label(i))].push_back(i);
  }
}

std::vector<float> tempered(const LabelledSamples& samples, double temperature) {
  std::vector<float> all(static_cast<std::size_t>(samples.count * samples.classes));
  kernels::parallel_for(samples.count, kAuditGrain, [&](std::int64_t begin, std::int64_t end) {
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

NoiseFit fit_noise(const LabelledSamples& samples, double temperature) {
  return NoiseFitter(samples, temperature).run();
}

}  // namespace bptplr
