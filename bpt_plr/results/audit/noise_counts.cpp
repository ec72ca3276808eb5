#include "bpt_plr/results/audit/noise_counts.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "bpt_plr/results/audit/fast_math.hpp"
#include "bpt_plr/results/audit/labelled_samples.hpp"
#include "kernels/parallel.hpp"

namespace bptplr {
namespace {

/// Returns the sum over labels of fn(label), which passes over all classes.
template <class Fn>
double sum_over_labels(std::size_t classes, Fn&& fn) {
  return kernels::parallel_sum<double>(static_cast<std::int64_t>(classes), grain_of(classes),
                                       [&](std::int64_t begin, std::int64_t end) {
                                         double sum = 0.0;
                                         for (std::int64_t label = begin; label < end; ++label) {
                                           sum += fn(static_cast<std::size_t>(label));
                                         }
                                         return sum;
                                       });
}

/// Sums of log gamma(a + n) over many n, of which most are small against a: for those Taylor's
/// polynomial of degree 4 is enough, and an eighth of the work.
class LogGammaSums {
 public:
  explicit LogGammaSums(double a) : a_(a), small_(kSmall * a), value_(fast_log_gamma(a)) {
    // The derivatives of log gamma: the recurrence up to a + kShift, and there Stirling's.
    const double y = a + kShift;
    const double u = 1.0 / y;
    const double v = u * u;
    factors_ = {std::log(y) - 0.5 * u - v * (1.0 / 12 - v * (1.0 / 120 - v / 252)),
                u + 0.5 * v + u * v * (1.0 / 6 - v * (1.0 / 30 - v / 42)),
                -v - u * v - v * v * (0.5 - v * (1.0 / 6 - v / 6)),
                2 * u * v + 3 * v * v + u * v * v * (2.0 - v * (1.0 - 4.0 / 3 * v))};
    for (int k = 0; k < kShift; ++k) {
      const double w = 1.0 / (a + k);
      factors_[0] -= w;
      factors_[1] += w * w;
      factors_[2] -= 2.0 * w * w * w;
      factors_[3] += 6.0 * w * w * w * w;
    }
    factors_[1] /= 2.0;
    factors_[2] /= 6.0;
    factors_[3] /= 24.0;
  }

  double sum(const double* n, std::size_t count) const {
    std::array<double, kLanes> sums{};
    std::size_t k = 0;
    for (; k + kLanes <= count; k += kLanes) {
      if (most_of(n + k) < small_) {
        for (std::size_t lane = 0; lane < kLanes; ++lane) sums[lane] += polynomial(n[k + lane]);
      } else {
#pragma omp simd
        for (std::size_t lane = 0; lane < kLanes; ++lane) {
          sums[lane] += fast_log_gamma(a_ + n[k + lane]);
        }
      }
    }
    for (std::size_t lane = 0; k + lane < count; ++lane) {
      sums[lane] += fast_log_gamma(a_ + n[k + lane]);
    }
    return sum_of(sums);
  }

 private:
  /// The error of the polynomial is below (n / a)^5 / 5.
  static constexpr double kSmall = 1.0 / 128;
  static constexpr int kShift = 8;

  static double most_of(const double* n) {
    double most = n[0];
    for (std::size_t lane = 1; lane < kLanes; ++lane) most = n[lane] > most ? n[lane] : most;
    return most;
  }
  double polynomial(double n) const {
    return value_ + n * (factors_[0] + n * (factors_[1] + n * (factors_[2] + n * factors_[3])));
  }

  double a_;
  double small_;
  double value_;
  std::array<double, 4> factors_{};
};

}  // namespace

NoiseCounts::NoiseCounts(std::size_t classes)
    : classes_(classes), stride_(padded(classes)), counts_(classes * stride_), of_class_(classes) {}

void NoiseCounts::sum_up() {
  const auto all = static_cast<std::int64_t>(classes_);
  kernels::parallel_for(all, grain_of(classes_), [&](std::int64_t begin, std::int64_t end) {
    std::fill(of_class_.begin() + begin, of_class_.begin() + end, 0.0);
    for (std::size_t label = 0; label < classes_; ++label) {
      const double* counts = row(label);
      for (auto c = static_cast<std::size_t>(begin); c < static_cast<std::size_t>(end); ++c) {
        of_class_[c] += counts[c];
      }
    }
  });
  right_ = 0.0;
  for (std::size_t c = 0; c < classes_; ++c) right_ += row(c)[c];
  wrong_ = sum_over_labels(classes_, [&](std::size_t label) {
    const double* counts = row(label);
    return lane_sum(classes_, [&](std::size_t c) { return c == label ? 0.0 : counts[c]; });
  });
}

double NoiseCounts::log_evidence(double right, double wrong) const {
  const double others = static_cast<double>(classes_ - 1);
  const double strength = right + wrong * others;
  const double constants =
      fast_log_gamma(strength) - fast_log_gamma(right) - others * fast_log_gamma(wrong);
  const LogGammaSums of_wrong(wrong);
  double sum = 0.0;
  for (const double of_class : of_class_) sum += constants - fast_log_gamma(strength + of_class);
  return sum + sum_over_labels(classes_, [&](std::size_t label) {
           const double* counts = row(label);
           return of_wrong.sum(counts, classes_) - fast_log_gamma(wrong + counts[label]) +
                  fast_log_gamma(right + counts[label]);
         });
}

double NoiseCounts::log_likelihood(const std::vector<double>& transition) const {
  return sum_over_labels(classes_, [&](std::size_t label) {
    const double* counts = row(label);
    const double* of = transition.data() + label * stride_;
    return lane_sum(classes_, [&](std::size_t c) { return counts[c] * fast_log(of[c]); });
  });
}

}  // namespace bptplr
