#include "bpt_plr/results/audit/noise_fit.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "bpt_plr/results/audit/fast_math.hpp"
#include "bpt_plr/results/audit/noise_counts.hpp"
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
/// Steps after which a fit may be hopeless.
constexpr int kStepsToHope = 4;
/// Prior of structured noise: Dirichlet numbers of a right label, and of all wrong ones together.
constexpr double kSparseRight = 1.0;
constexpr double kSparseWrong = 1.0;
/// Every so many steps all prior strengths are compared, between them those beside the last best.
constexpr int kStepsBetweenScans = 10;
/// Samples of one label that a thread counts at a time.
constexpr std::int64_t kSamplesAtATime = 4096;

/// Fits the noise model by expectation maximisation at one temperature. Matrices are label first:
/// a label's samples need its transitions from all classes.
class NoiseFitter {
 public:
  NoiseFitter(const LabelledSamples& samples, double temperature, std::vector<float>& scratch)
      : classes_(static_cast<std::size_t>(samples.classes)),
        stride_(padded(classes_)),
        count_(samples.count),
        p_(scratch),
        counts_(classes_),
        transition_(classes_ * stride_) {
    fit_.temperature = temperature;
    temper_by_label(samples, temperature, p_);
    for (std::size_t label = 0; label < classes_; ++label) {
      for (std::size_t c = 0; c < classes_; ++c) {
        transition_[label * stride_ + c] = prior_mean(c == label);
      }
      const std::int64_t end = samples.first_of[label + 1];
      std::int64_t begin = samples.first_of[label];
      parts_.push_back({label, begin, std::min(begin + kSamplesAtATime, end), {}});
      while ((begin = parts_.back().end) < end) {
        parts_.push_back(
            {label, begin, std::min(begin + kSamplesAtATime, end), std::vector<double>(stride_)});
      }
    }
  }

  NoiseFit run(const FitControl& control) {
    expect();
    for (int step = 0; step < kMaxSteps; ++step) {
      if (control.alive) control.alive();
      if (step == kStepsToHope && control.is_hopeless &&
          control.is_hopeless(log_evidence(), counts_.wrong())) {
        break;
      }
      const double change = maximise(step % kStepsBetweenScans == 0);
      expect();
      if (change < kTolerance) break;
    }
    fit_.log_evidence = log_evidence();
    fit_.expected_wrong = counts_.wrong();
    fit_.transition.reserve(classes_ * classes_);
    fit_.joint.reserve(classes_ * classes_);
    for (std::size_t label = 0; label < classes_; ++label) {
      const double* of = transitions(label);
      fit_.transition.insert(fit_.transition.end(), of, of + classes_);
      fit_.joint.insert(fit_.joint.end(), counts_.row(label), counts_.row(label) + classes_);
    }
    return std::move(fit_);
  }

 private:
  /// Rows of p of one label. The first part of a label counts in the label's row, the others in
  /// their own.
  struct Part {
    std::size_t label;
    std::int64_t begin;
    std::int64_t end;
    std::vector<double> counts;
  };

  /// Returns the probabilities that a part has on average.
  std::size_t numbers_of_part() const { return p_.size() / parts_.size() + 1; }
  /// Returns the prior mean of T[c, y]: uniform noise.
  double prior_mean(bool is_right) const {
    return is_right ? 1.0 - fit_.noise_rate : fit_.noise_rate / static_cast<double>(classes_ - 1);
  }
  const double* transitions(std::size_t label) const {
    return transition_.data() + label * stride_;
  }
  const float* probabilities(std::int64_t k) const {
    return p_.data() + static_cast<std::size_t>(k) * stride_;
  }
  /// Returns P(label) of row k.
  double likelihood(std::int64_t k, const double* noise) const {
    const float* p = probabilities(k);
    return lane_sum(stride_, [=](std::size_t c) { return static_cast<double>(p[c]) * noise[c]; });
  }

  /// Counts the samples of each class for each label.
  void expect() {
    kernels::parallel_for(std::ssize(parts_), grain_of(numbers_of_part()),
                          [&](std::int64_t begin, std::int64_t end) {
                            for (std::int64_t k = begin; k < end; ++k)
                              expect_part(parts_[static_cast<std::size_t>(k)]);
                          });
    for (const Part& part : parts_) {
      double* counts = counts_.row(part.label);
      for (std::size_t c = 0; c < part.counts.size(); ++c) counts[c] += part.counts[c];
    }
    counts_.sum_up();
  }

  void expect_part(Part& part) {
    const double* noise = transitions(part.label);
    double* counts = part.counts.empty() ? counts_.row(part.label) : part.counts.data();
    std::fill_n(counts, stride_, 0.0);
    for (std::int64_t k = part.begin; k < part.end; ++k) {
      const double scale = 1.0 / likelihood(k, noise);
      const float* p = probabilities(k);
      for (std::size_t c = 0; c < stride_; ++c) counts[c] += static_cast<double>(p[c]) * scale;
    }
    for (std::size_t c = 0; c < stride_; ++c) counts[c] *= noise[c];
  }

  /// Updates noise rate, strength and transitions; returns the largest change of a transition.
  double maximise(bool scan) {
    // Laplace's rule of succession: the rate is never 0, so that labels have an order even where
    // none of them looks wrong.
    const auto n = static_cast<double>(count_);
    fit_.noise_rate = (n - counts_.right() + 1.0) / (n + 2.0);
    choose_strength(scan);
    std::vector<double> scale(classes_);
    for (std::size_t c = 0; c < classes_; ++c) {
      scale[c] = 1.0 / (counts_.of_class()[c] + fit_.strength);
    }
    std::vector<double> change(classes_);
    const auto all = static_cast<std::int64_t>(classes_);
    kernels::parallel_for(all, grain_of(classes_), [&](std::int64_t begin, std::int64_t end) {
      for (auto label = static_cast<std::size_t>(begin); label < static_cast<std::size_t>(end);
           ++label) {
        change[label] = update(label, scale);
      }
    });
    return *std::ranges::max_element(change);
  }

  double update(std::size_t label, const std::vector<double>& scale) {
    const double wrong = fit_.strength * prior_mean(false);
    const double right = fit_.strength * prior_mean(true);
    const double* counts = counts_.row(label);
    double* of = transition_.data() + label * stride_;
    std::array<double, kLanes> most{};
    for (std::size_t begin = 0; begin < classes_; begin += kLanes) {
      const std::size_t lanes = std::min(kLanes, classes_ - begin);
      for (std::size_t lane = 0; lane < lanes; ++lane) {
        const std::size_t c = begin + lane;
        const double now = (counts[c] + (c == label ? right : wrong)) * scale[c];
        const double change = std::abs(now - of[c]);
        most[lane] = change > most[lane] ? change : most[lane];
        of[c] = now;
      }
    }
    return *std::ranges::max_element(most);
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
      const double most = log_evidence_of_counts(strength_at(strength_));
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

  double log_evidence_of_counts(double strength) const {
    return counts_.log_evidence(strength * prior_mean(true), strength * prior_mean(false));
  }

  /// Returns the log-evidence of the labels by Cheeseman and Stutz: the log-likelihood at the
  /// estimate, plus the log-evidence of the counts under the prior, minus their log-likelihood
  /// under the fitted transitions. Half of the prior says that noise is near uniform, half that it
  /// is between few classes.
  double log_evidence() const {
    const double uniform = log_evidence_of_counts(fit_.strength);
    const double sparse =
        counts_.log_evidence(kSparseRight, kSparseWrong / static_cast<double>(classes_ - 1));
    const double most = std::max(uniform, sparse);
    return log_likelihood() - counts_.log_likelihood(transition_) + most +
           std::log(0.5 * (std::exp(uniform - most) + std::exp(sparse - most)));
  }

  double log_likelihood() const {
    return kernels::parallel_sum<double>(
        std::ssize(parts_), grain_of(numbers_of_part()), [&](std::int64_t begin, std::int64_t end) {
          double sum = 0.0;
          for (std::int64_t k = begin; k < end; ++k) {
            sum += log_likelihood_of(parts_[static_cast<std::size_t>(k)]);
          }
          return sum;
        });
  }

  double log_likelihood_of(const Part& part) const {
    double sum = 0.0;
    for (std::int64_t k = part.begin; k < part.end; ++k) {
      sum += fast_log(likelihood(k, transitions(part.label)));
    }
    return sum;
  }

  std::size_t classes_;
  std::size_t stride_;  ///< of rows, which are padded with zeros
  std::int64_t count_;
  std::vector<float>& p_;  ///< [N, C], in the order of the labels
  std::vector<Part> parts_;
  NoiseCounts counts_;
  std::vector<double> transition_;  ///< [C, C]
  int strength_ = 0;                ///< which of kStrengths
  NoiseFit fit_;
};

}  // namespace

double spaced(double low, double high, int k, int count) {
  return low * std::pow(high / low, static_cast<double>(k) / (count - 1));
}

NoiseFit fit_noise(const LabelledSamples& samples, double temperature, const FitControl& control,
                   std::vector<float>& scratch) {
  return NoiseFitter(samples, temperature, scratch).run(control);
}

}  // namespace bptplr
