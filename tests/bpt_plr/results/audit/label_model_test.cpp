#include "bpt_plr/results/audit/label_model.hpp"

#include <gtest/gtest.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "bpt_plr/method/partition.hpp"
#include "engine/error.hpp"
#include "engine/random.hpp"

namespace bptplr {
namespace {

using Labels = std::vector<std::int64_t>;

/// A data set whose posteriors are known: class c puts the mean kApart on coordinate c of a normal
/// distribution, so that with equally frequent classes P(c | u) = softmax(kApart u).
struct Known {
  static constexpr std::int64_t kClasses = 4;
  static constexpr double kApart = 2.5;
  Tensor logits;  ///< those of the posterior, times `boldness`
  Labels truth;
  Labels labels;

  /// noise[c * kClasses + y]: how the labels came about.
  Known(std::int64_t samples, const std::vector<double>& noise, double boldness) {
    logits = Tensor::empty({samples, kClasses});
    for (std::int64_t i = 0; i < samples; ++i) {
      Philox random(7, Purpose::kTest, 0, static_cast<std::uint32_t>(i));
      truth.push_back(i % kClasses);
      for (std::int64_t k = 0; k < kClasses; ++k) {
        const double u = random.normal() + (k == truth.back() ? kApart : 0.0);
        logits.data<float>()[i * kClasses + k] = static_cast<float>(boldness * kApart * u);
      }
      double left = random.uniform_double();
      std::int64_t y = 0;
      while (y < kClasses - 1) {
        left -= noise[static_cast<std::size_t>(truth.back() * kClasses + y)];
        if (left < 0.0) break;
        ++y;
      }
      labels.push_back(y);
    }
  }

  std::int64_t wrong() const {
    std::int64_t count = 0;
    for (std::size_t i = 0; i < labels.size(); ++i) count += labels[i] != truth[i] ? 1 : 0;
    return count;
  }
};

std::vector<double> uniform_noise(double rate) {
  std::vector<double> noise(16, rate / 3.0);
  for (std::size_t c = 0; c < 4; ++c) noise[c * 4 + c] = 1.0 - rate;
  return noise;
}

/// Classes 0 and 2 are labelled as the next one with that rate, 1 and 3 always right.
std::vector<double> next_class_noise(double rate) {
  std::vector<double> noise(16, 0.0);
  for (std::size_t c = 0; c < 4; ++c) noise[c * 4 + c] = 1.0;
  for (const std::size_t c : {std::size_t{0}, std::size_t{2}}) {
    noise[c * 4 + c] = 1.0 - rate;
    noise[c * 4 + c + 1] = rate;
  }
  return noise;
}

double expected_wrong(const LabelModel& model) {
  double sum = 0.0;
  for (std::size_t i = 0; i < model.suggested.size(); ++i) sum += model.wrong_probability(i);
  return sum;
}

double auc_of(const std::vector<double>& wrongness, const Known& known) {
  std::vector<double> score;
  score.reserve(wrongness.size());
  for (const double value : wrongness) score.push_back(-value);
  return correctness_auc(score, known.labels, known.truth);
}

/// How far from their share of wrong labels the samples of about one probability are, on average.
double calibration_error(const LabelModel& model, const Known& known) {
  constexpr std::size_t kBins = 10;
  std::vector<double> difference(kBins);
  for (std::size_t i = 0; i < known.labels.size(); ++i) {
    const double p = model.wrong_probability(i);
    const auto bin = std::min(static_cast<std::size_t>(p * kBins), kBins - 1);
    difference[bin] += p - (known.labels[i] != known.truth[i] ? 1.0 : 0.0);
  }
  double sum = 0.0;
  for (const double value : difference) sum += std::abs(value);
  return sum / static_cast<double>(known.labels.size());
}

TEST(LabelModel, FindsTheTemperatureOfTimidAndBoldNetworks) {
  for (const double boldness : {0.3, 1.0, 4.0}) {
    const Known known(8000, uniform_noise(0.3), boldness);
    const LabelModel model = fit_label_model(known.logits, known.labels);
    EXPECT_NEAR(model.temperature / boldness, 1.0, 0.1) << boldness;
    EXPECT_NEAR(model.noise_rate, 0.3, 0.02) << boldness;
    EXPECT_NEAR(expected_wrong(model), static_cast<double>(known.wrong()), 160.0) << boldness;
    EXPECT_LT(calibration_error(model, known), 0.025) << boldness;
  }
}

TEST(LabelModel, LearnsWhichClassesAreConfused) {
  const std::vector<double> noise = next_class_noise(0.4);
  const Known known(8000, noise, 1.0);
  const LabelModel model = fit_label_model(known.logits, known.labels);
  for (std::size_t k = 0; k < noise.size(); ++k) {
    EXPECT_NEAR(model.transition[k], noise[k], 0.03) << k / 4 << " labelled as " << k % 4;
  }
  EXPECT_LT(calibration_error(model, known), 0.025);
  // The joint estimate: 2000 samples of class 0, of which 800 are labelled 1.
  EXPECT_NEAR(model.joint[1 * 4 + 0], 800.0, 60.0);
  EXPECT_NEAR(model.joint[0 * 4 + 1], 0.0, 30.0);
  // Bayes' rule with the noise that there is beats what the network says of the label.
  std::vector<double> doubt;
  for (std::size_t i = 0; i < known.labels.size(); ++i) {
    const float* z = known.logits.data<float>() + i * 4;
    double sum = 0.0;
    for (std::size_t c = 0; c < 4; ++c) sum += std::exp(static_cast<double>(z[c]));
    doubt.push_back(-std::exp(static_cast<double>(z[known.labels[i]])) / sum);
  }
  EXPECT_GT(auc_of(model.wrong_log_odds, known), auc_of(doubt, known) + 0.005);
}

TEST(LabelModel, NoiseWithoutStructureStaysUniform) {
  const Known known(4000, uniform_noise(0.4), 1.0);
  const LabelModel model = fit_label_model(known.logits, known.labels);
  EXPECT_GE(model.prior_strength, 1000.0);
  for (std::size_t k = 0; k < 16; ++k) {
    EXPECT_NEAR(model.transition[k], k % 5 == 0 ? 0.6 : 0.4 / 3.0, 0.03) << k;
  }
}

TEST(LabelModel, KeepsAnOrderWhereNoLabelIsWrong) {
  const Known known(2000, uniform_noise(0.0), 1.0);
  const LabelModel model = fit_label_model(known.logits, known.labels);
  EXPECT_LT(model.noise_rate, 0.01);
  EXPECT_LT(expected_wrong(model), 20.0);
  std::vector<double> odds = model.wrong_log_odds;
  std::ranges::sort(odds);
  EXPECT_EQ(std::ranges::adjacent_find(odds), odds.end());
}

TEST(LabelModel, SuggestsTheMostProbableOtherClass) {
  const Known known(4000, uniform_noise(0.3), 1.0);
  const LabelModel model = fit_label_model(known.logits, known.labels);
  std::int64_t right = 0;
  std::int64_t best = 0;
  for (std::size_t i = 0; i < known.labels.size(); ++i) {
    EXPECT_NE(model.suggested[i], known.labels[i]);
    if (known.labels[i] == known.truth[i]) continue;
    right += model.suggested[i] == known.truth[i] ? 1 : 0;
    const float* z = known.logits.data<float>() + i * 4;
    std::int64_t most = known.labels[i] == 0 ? 1 : 0;
    for (std::int64_t c = 0; c < 4; ++c) {
      if (c != known.labels[i] && z[c] > z[most]) most = c;
    }
    best += most == known.truth[i] ? 1 : 0;
  }
  EXPECT_GT(known.wrong(), 1000);
  EXPECT_NEAR(static_cast<double>(right), static_cast<double>(best), 20.0);
}

TEST(LabelModel, SureNetworksGiveFiniteOddsInOrder) {
  Known known(400, uniform_noise(0.3), 1.0);
  for (float& z : std::span(known.logits.data<float>(), 1600)) z *= 1000.0F;
  const LabelModel model = fit_label_model(known.logits, known.labels);
  for (const double odds : model.wrong_log_odds) EXPECT_TRUE(std::isfinite(odds));
  EXPECT_GT(auc_of(model.wrong_log_odds, known), 0.95);
}

TEST(LabelModel, IsTheSameForAnyNumberOfThreads) {
  const Known known(3000, next_class_noise(0.3), 0.5);
  const int before = omp_get_max_threads();
  omp_set_num_threads(1);
  const LabelModel one = fit_label_model(known.logits, known.labels);
  for (const int threads : {2, 3, 4}) {
    omp_set_num_threads(threads);
    const LabelModel other = fit_label_model(known.logits, known.labels);
    EXPECT_EQ(one.wrong_log_odds, other.wrong_log_odds);
    EXPECT_EQ(one.joint, other.joint);
  }
  omp_set_num_threads(before);
}

TEST(LabelModel, TellsItsProgressAndEndsByAnException) {
  const Known known(600, next_class_noise(0.3), 1.0);
  std::vector<std::int64_t> seen;
  std::int64_t of = 0;
  const LabelModel told =
      fit_label_model(known.logits, known.labels, [&](std::int64_t done, std::int64_t total) {
        seen.push_back(done);
        of = total;
      });
  EXPECT_TRUE(std::ranges::is_sorted(seen));
  EXPECT_EQ(seen.back(), of);
  EXPECT_EQ(std::ranges::count(seen, of), 1);
  EXPECT_GT(std::ranges::count(seen, 0), 1);  // between the steps of one fit
  EXPECT_EQ(told.wrong_log_odds, fit_label_model(known.logits, known.labels).wrong_log_odds);
  const auto stop = [](std::int64_t done, std::int64_t) {
    if (done > 30) throw Error("enough");
  };
  EXPECT_THROW(fit_label_model(known.logits, known.labels, stop), Error);
}

TEST(LabelModel, RefusesBadInput) {
  const Known known(40, uniform_noise(0.3), 1.0);
  Labels labels = known.labels;
  labels.pop_back();
  EXPECT_THROW(fit_label_model(known.logits, labels), Error);
  labels.push_back(4);
  EXPECT_THROW(fit_label_model(known.logits, labels), Error);
  labels.back() = -1;
  EXPECT_THROW(fit_label_model(known.logits, labels), Error);
  EXPECT_THROW(fit_label_model(Tensor::zeros({0, 4}), Labels{}), Error);
  EXPECT_THROW(fit_label_model(Tensor::zeros({3, 1}), Labels{0, 0, 0}), Error);
  Tensor broken = known.logits.clone();
  broken.data<float>()[17] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THROW(fit_label_model(broken, known.labels), Error);
}

}  // namespace
}  // namespace bptplr
