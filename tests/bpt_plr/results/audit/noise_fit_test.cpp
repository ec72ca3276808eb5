// The noise fit beside the same formulas in plain loops, on shapes where fast loops go wrong.
#include "bpt_plr/results/audit/noise_fit.hpp"

#include <gtest/gtest.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "bpt_plr/results/audit/fast_math.hpp"
#include "bpt_plr/results/audit/inverse.hpp"
#include "engine/random.hpp"

namespace bptplr {
namespace {

struct Set {
  std::string name;
  std::int64_t classes;
  std::vector<float> logits;
  std::vector<std::int64_t> labels;

  std::int64_t count() const { return std::ssize(labels); }
  LabelledSamples samples() const { return {count(), classes, logits.data(), labels}; }
};

/// Logits of which that of the true class, i % classes, is `apart` above the others; every fifth
/// label is another.
Set drawn(const std::string& name, std::int64_t count, std::int64_t classes, double apart) {
  Set set{name, classes, {}, {}};
  for (std::int64_t i = 0; i < count; ++i) {
    Philox random(21, Purpose::kTest, 0, static_cast<std::uint32_t>(i));
    for (std::int64_t c = 0; c < classes; ++c) {
      set.logits.push_back(static_cast<float>(random.normal() + (c == i % classes ? apart : 0.0)));
    }
    const bool moved = random.uniform_double() < 0.2;
    set.labels.push_back(moved ? random.below(static_cast<std::uint32_t>(classes)) : i % classes);
  }
  return set;
}

std::vector<Set> awkward_sets() {
  std::vector<Set> sets{drawn("two classes", 300, 2, 2.0), drawn("one sample", 1, 5, 1.0),
                        drawn("one number beyond the lanes", 500, 9, 3.0),
                        drawn("many classes", 900, 45, 4.0),
                        drawn("more of a label than a thread takes", 9000, 2, 2.0)};
  Set none = drawn("a class without a sample", 400, 6, 3.0);
  for (std::int64_t& label : none.labels) label = label == 3 ? 4 : label;
  sets.push_back(none);
  Set unseen = drawn("a label that is never predicted", 400, 6, 3.0);
  for (std::size_t k = 2; k < unseen.logits.size(); k += 6) unseen.logits[k] = -300.0F;
  sets.push_back(unseen);
  Set sure = drawn("one-hot", 400, 6, 3.0);
  for (float& z : sure.logits) z *= 1000.0F;
  sets.push_back(sure);
  Set uniform = drawn("uniform", 400, 6, 3.0);
  std::ranges::fill(uniform.logits, 1.5F);
  sets.push_back(uniform);
  return sets;
}

/// Expectation maximisation as in noise_fit.hpp, in plain loops over [C, C] and [N, C].
class PlainFit {
 public:
  PlainFit(const Set& set, double temperature)
      : c_(static_cast<std::size_t>(set.classes)), n_(set.labels.size()), set_(set) {
    for (std::size_t i = 0; i < n_; ++i) {
      const float* z = set.logits.data() + i * c_;
      const double top = static_cast<double>(*std::max_element(z, z + c_));
      double sum = 0.0;
      for (std::size_t c = 0; c < c_; ++c) {
        p.push_back(std::exp((static_cast<double>(z[c]) - top) / temperature));
        sum += p.back();
      }
      for (std::size_t c = 0; c < c_; ++c) p[i * c_ + c] /= sum;
    }
    for (std::size_t k = 0; k < c_ * c_; ++k) transition.push_back(mean(k / c_ == k % c_));
    expect();
    for (int step = 0; step < 200; ++step) {
      const double change = maximise(step % 10 == 0);
      expect();
      if (change < 1e-5) break;
    }
    const double uniform = evidence_at(strength);
    const double sparse = evidence(1.0, 1.0 / static_cast<double>(c_ - 1));
    double of_counts = 0.0;
    for (std::size_t k = 0; k < c_ * c_; ++k) of_counts += joint[k] * std::log(transition[k]);
    const double most = std::max(uniform, sparse);
    log_evidence = log_likelihood - of_counts + most +
                   std::log(0.5 * (std::exp(uniform - most) + std::exp(sparse - most)));
  }

  std::vector<double> p, transition, joint;  ///< both [C, C] label first
  double noise_rate = 0.3;
  double strength = 1e5;
  double log_likelihood = 0.0;
  double log_evidence = 0.0;

 private:
  double mean(bool right) const {
    return right ? 1.0 - noise_rate : noise_rate / static_cast<double>(c_ - 1);
  }
  double evidence_at(double s) const { return evidence(s * mean(true), s * mean(false)); }

  double evidence(double right, double wrong) const {
    const double all = right + wrong * static_cast<double>(c_ - 1);
    double sum = 0.0;
    for (std::size_t c = 0; c < c_; ++c) {
      double of_class = 0.0;
      for (std::size_t y = 0; y < c_; ++y) {
        const double prior = c == y ? right : wrong;
        of_class += joint[y * c_ + c];
        sum += std::lgamma(prior + joint[y * c_ + c]) - std::lgamma(prior);
      }
      sum += std::lgamma(all) - std::lgamma(all + of_class);
    }
    return sum;
  }

  void expect() {
    joint.assign(c_ * c_, 0.0);
    log_likelihood = 0.0;
    for (std::size_t i = 0; i < n_; ++i) {
      const auto y = static_cast<std::size_t>(set_.labels[i]);
      double sum = 0.0;
      for (std::size_t c = 0; c < c_; ++c) sum += p[i * c_ + c] * transition[y * c_ + c];
      for (std::size_t c = 0; c < c_; ++c) {
        joint[y * c_ + c] += p[i * c_ + c] * transition[y * c_ + c] / sum;
      }
      log_likelihood += std::log(sum);
    }
  }

  double maximise(bool scan) {
    double right = 0.0;
    for (std::size_t c = 0; c < c_; ++c) right += joint[c * c_ + c];
    const auto n = static_cast<double>(n_);
    noise_rate = (n - right + 1.0) / (n + 2.0);
    const auto at = [](int k) { return spaced(10.0, 1e5, k, 13); };
    if (scan) {
      for (int k = 0; k < 13; ++k) {
        if (k == 0 || evidence_at(at(k)) > evidence_at(at(which_))) which_ = k;
      }
    } else {
      const int before = which_;
      while (which_ < 12 && evidence_at(at(which_ + 1)) > evidence_at(at(which_))) ++which_;
      while (which_ <= before && which_ > 0 &&
             evidence_at(at(which_ - 1)) > evidence_at(at(which_))) {
        --which_;
      }
    }
    strength = at(which_);
    double change = 0.0;
    for (std::size_t c = 0; c < c_; ++c) {
      double of_class = 0.0;
      for (std::size_t y = 0; y < c_; ++y) of_class += joint[y * c_ + c];
      for (std::size_t y = 0; y < c_; ++y) {
        const double now = (joint[y * c_ + c] + strength * mean(c == y)) / (of_class + strength);
        change = std::max(change, std::abs(now - transition[y * c_ + c]));
        transition[y * c_ + c] = now;
      }
    }
    return change;
  }

  std::size_t c_;
  std::size_t n_;
  const Set& set_;
  int which_ = 0;
};

TEST(NoiseFit, IsThatOfPlainLoops) {
  std::vector<float> scratch;
  for (const Set& set : awkward_sets()) {
    for (const double temperature : {0.2, 1.0, 7.0}) {
      const std::string where = set.name + " at " + std::to_string(temperature);
      const PlainFit plain(set, temperature);
      const NoiseFit fit = fit_noise(set.samples(), temperature, {}, scratch);
      EXPECT_NEAR(fit.log_evidence, plain.log_evidence, 1e-6 * (1.0 + std::abs(plain.log_evidence)))
          << where;
      double wrong = 0.0;
      for (std::size_t k = 0; k < plain.joint.size(); ++k) {
        EXPECT_NEAR(static_cast<double>(fit.transition[k]), plain.transition[k], 2e-6) << where;
        EXPECT_NEAR(static_cast<double>(fit.joint[k]), plain.joint[k],
                    1e-6 * static_cast<double>(set.count()))
            << where;
        const auto classes = static_cast<std::size_t>(set.classes);
        wrong += k / classes == k % classes ? 0.0 : plain.joint[k];
      }
      EXPECT_NEAR(fit.expected_wrong, wrong, 1e-6 * static_cast<double>(set.count())) << where;
      EXPECT_NEAR(fit.noise_rate, plain.noise_rate, 1e-6) << where;
    }
  }
}

TEST(NoiseFit, IsTheSameForAnyNumberOfThreads) {
  const int before = omp_get_max_threads();
  std::vector<float> scratch;
  for (const Set& set : {drawn("parts of labels", 30000, 3, 2.0), drawn("", 3000, 200, 5.0)}) {
    omp_set_num_threads(1);
    const NoiseFit one = fit_noise(set.samples(), 1.0, {}, scratch);
    for (const int threads : {2, 3}) {
      omp_set_num_threads(threads);
      const NoiseFit other = fit_noise(set.samples(), 1.0, {}, scratch);
      EXPECT_EQ(one.transition, other.transition);
      EXPECT_EQ(one.joint, other.joint);
      EXPECT_EQ(one.log_evidence, other.log_evidence);
    }
  }
  omp_set_num_threads(before);
}

TEST(NoiseFit, GivesUpWhereItIsTold) {
  const Set set = drawn("", 500, 9, 3.0);
  std::vector<float> scratch;
  int asked = 0;
  const FitControl give_up{{}, [&](double, double) { return ++asked > 0; }};
  const NoiseFit whole = fit_noise(set.samples(), 1.0, {}, scratch);
  const NoiseFit part = fit_noise(set.samples(), 1.0, give_up, scratch);
  EXPECT_EQ(asked, 1);
  EXPECT_NE(part.transition, whole.transition);
  EXPECT_NEAR(part.log_evidence, whole.log_evidence, 5.0);
}

TEST(AuditMath, IsThatOfTheLibrary) {
  for (int k = 0; k <= 20000; ++k) {
    const double share = k / 20000.0;
    const double x = -700.0 * share;
    EXPECT_NEAR(fast_exp(x) / std::exp(x), 1.0, 1e-15) << x;
    for (const double y : {std::exp(x), std::exp(-x), 0.5 + share}) {
      EXPECT_NEAR(fast_log(y), std::log(y), 1e-15 * std::max(1.0, std::abs(std::log(y)))) << y;
    }
    for (const double y : {std::exp(40.0 * share - 25.0), 1e-9 + 4.0 * share}) {
      const double right = std::lgamma(y);
      EXPECT_NEAR(fast_log_gamma(y), right, 1e-13 * std::max(1.0, std::abs(right))) << y;
    }
  }
  EXPECT_EQ(fast_exp(0.0), 1.0);
  EXPECT_EQ(fast_exp(-800.0), 0.0);
  EXPECT_EQ(fast_exp(-std::numeric_limits<double>::infinity()), 0.0);
}

TEST(AuditMath, InvertsWhatNeedsOtherPivotsAndRefusesWhatIsNotStable) {
  for (const std::size_t n : {std::size_t{2}, std::size_t{5}, std::size_t{200}}) {
    std::vector<double> a(n * n, 0.1 / static_cast<double>(n));
    // Most of each row is beside the diagonal, so every step swaps rows.
    for (std::size_t i = 0; i < n; ++i) a[i * n + (i + 1) % n] += 0.9;
    std::vector<double> b = a;
    ASSERT_TRUE(invert(b, n));
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) {
        double sum = 0.0;
        for (std::size_t k = 0; k < n; ++k) sum += a[i * n + k] * b[k * n + j];
        EXPECT_NEAR(sum, i == j ? 1.0 : 0.0, 1e-12) << i << " " << j;
      }
    }
    std::copy_n(a.begin(), n, a.begin() + static_cast<std::ptrdiff_t>(n));
    EXPECT_FALSE(invert(a, n));
  }
}

}  // namespace
}  // namespace bptplr
