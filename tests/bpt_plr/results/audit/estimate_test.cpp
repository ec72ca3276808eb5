// How far the estimated number of wrong labels can be trusted: on parts of the same predictions, in
// its interval, where networks have learnt the noise, and where it must not be used.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "bpt_plr/method/partition.hpp"
#include "bpt_plr/results/audit/audit.hpp"
#include "bpt_plr/results/audit/label_model.hpp"
#include "engine/random.hpp"

namespace bptplr {
namespace {

using Labels = std::vector<std::int64_t>;

constexpr std::int64_t kClasses = 10;

/// Predictions of images of ten classes, most of them easy, and labels of which some are wrong.
struct Drawn {
  std::vector<float> logits;
  Labels truth;
  Labels labels;

  std::int64_t wrong() const {
    std::int64_t count = 0;
    for (std::size_t i = 0; i < labels.size(); ++i) count += labels[i] != truth[i] ? 1 : 0;
    return count;
  }
  Tensor tensor() const { return Tensor::from(logits, {std::ssize(labels), kClasses}); }
  /// About 90 % of the samples.
  Drawn part(std::uint32_t draw) const {
    Drawn result;
    for (std::size_t i = 0; i < labels.size(); ++i) {
      if (Philox(5, Purpose::kTest, draw, static_cast<std::uint32_t>(i)).uniform_double() > 0.9) {
        continue;
      }
      result.logits.insert(result.logits.end(), logits.begin() + static_cast<long>(i) * kClasses,
                           logits.begin() + static_cast<long>(i + 1) * kClasses);
      result.truth.push_back(truth[i]);
      result.labels.push_back(labels[i]);
    }
    return result;
  }
};

/// `rate` of the samples have any other label.
Drawn with_uniform_noise(std::int64_t samples, double rate, double apart, std::uint32_t seed) {
  Drawn drawn;
  for (std::int64_t i = 0; i < samples; ++i) {
    Philox random(seed, Purpose::kTest, 1, static_cast<std::uint32_t>(i));
    const std::int64_t truth = i % kClasses;
    for (std::int64_t c = 0; c < kClasses; ++c) {
      const double u = random.normal() + (c == truth ? apart : 0.0);
      drawn.logits.push_back(static_cast<float>(0.5 * apart * u));
    }
    const bool is_wrong = random.uniform_double() < rate;
    drawn.truth.push_back(truth);
    drawn.labels.push_back(
        is_wrong ? (truth + 1 + static_cast<std::int64_t>(random.below(kClasses - 1))) % kClasses
                 : truth);
  }
  return drawn;
}

/// 40 % of the even classes have the label of the next, and a classifier has learnt that: it gives
/// their images about 0.6 and 0.4 for the two.
Drawn with_learnt_noise(std::int64_t samples) {
  Drawn drawn;
  for (std::int64_t i = 0; i < samples; ++i) {
    Philox random(3, Purpose::kTest, 2, static_cast<std::uint32_t>(i));
    const std::int64_t truth = i % kClasses;
    const double kept = truth % 2 == 0 ? std::clamp(0.6 + 0.1 * random.normal(), 0.05, 0.95) : 1.0;
    const std::int64_t next = (truth + 1) % kClasses;
    for (std::int64_t c = 0; c < kClasses; ++c) {
      const double p = c == truth ? kept : (c == next ? 1.0 - kept : 0.0);
      drawn.logits.push_back(static_cast<float>(std::log(0.97 * p + 0.003)));
    }
    drawn.truth.push_back(truth);
    const bool moves = truth % 2 == 0 && random.uniform_double() < 0.4;
    drawn.labels.push_back(moves ? next : truth);
  }
  return drawn;
}

std::vector<double> rightness(const LabelModel& model) {
  std::vector<double> score;
  for (const double odds : model.wrong_log_odds) score.push_back(-odds);
  return score;
}

std::int64_t flagged(const LabelModel& model) {
  return std::ranges::count_if(model.wrong_log_odds, [](double odds) { return odds > 0.0; });
}

TEST(AuditEstimate, IsAboutTheSameOnPartsOfTheSamples) {
  const Drawn all = with_uniform_noise(1000, 0.3, 2.5, 11);
  const double whole = fit_label_model(all.tensor(), all.labels).expected_wrong;
  for (std::uint32_t draw = 0; draw < 4; ++draw) {
    const Drawn part = all.part(draw);
    const LabelModel model = fit_label_model(part.tensor(), part.labels);
    const double share = static_cast<double>(part.labels.size()) / 1000.0;
    EXPECT_NEAR(model.expected_wrong / (share * whole), 1.0, 0.1) << draw;
  }
}

TEST(AuditEstimate, TheIntervalHoldsTheNumber) {
  int held = 0;
  constexpr int kSets = 12;
  for (std::uint32_t seed = 0; seed < kSets; ++seed) {
    const Drawn drawn = with_uniform_noise(800, 0.05 + 0.04 * seed, 3.0, 100 + seed);
    const LabelModel model = fit_label_model(drawn.tensor(), drawn.labels);
    const auto wrong = static_cast<double>(drawn.wrong());
    EXPECT_LE(model.wrong_interval[0], model.expected_wrong);
    EXPECT_GE(model.wrong_interval[1], model.expected_wrong);
    EXPECT_NEAR(model.expected_wrong / wrong, 1.0, 0.25) << seed;
    held += model.wrong_interval[0] <= wrong && wrong <= model.wrong_interval[1] ? 1 : 0;
  }
  EXPECT_GE(held, kSets - 2);
}

TEST(AuditEstimate, FindsNoiseThatTheNetworkHasLearnt) {
  const Drawn drawn = with_learnt_noise(2000);
  const LabelModel model = fit_label_model(drawn.tensor(), drawn.labels);
  EXPECT_GT(model.learnt_noise, 0.5);
  EXPECT_GT(correctness_auc(rightness(model), drawn.labels, drawn.truth), 0.97);
  const auto wrong = static_cast<double>(drawn.wrong());
  EXPECT_GT(static_cast<double>(flagged(model)), 0.6 * wrong);
  EXPECT_GT(model.expected_wrong, 0.6 * wrong);
  EXPECT_LT(model.expected_wrong, 1.2 * wrong);
}

TEST(AuditEstimate, FindsNoNoiseWhereThereIsNone) {
  const Drawn drawn = with_uniform_noise(1500, 0.0, 4.0, 12);
  const LabelModel model = fit_label_model(drawn.tensor(), drawn.labels);
  EXPECT_LT(model.expected_wrong, 20.0);
  EXPECT_LE(model.wrong_interval[0], 5.0);
}

TEST(AuditEstimate, IsNotToBeUsedNearChance) {
  for (const std::int64_t samples : {300, 2000}) {
    AuditEvidence evidence;
    Drawn drawn = with_uniform_noise(samples, 0.4, 0.1, 13);
    evidence.logits = drawn.tensor();
    const Audit audit = audit_labels(evidence, drawn.labels);
    EXPECT_FALSE(audit.not_to_be_used.empty()) << samples;
  }
  AuditEvidence evidence;
  const Drawn good = with_uniform_noise(300, 0.4, 4.0, 14);
  evidence.logits = good.tensor();
  EXPECT_EQ(audit_labels(evidence, good.labels).not_to_be_used, "");
  // 80 % wrong labels are no reason where the networks know the classes.
  const Drawn hard = with_uniform_noise(3000, 0.8, 4.0, 15);
  evidence.logits = hard.tensor();
  EXPECT_EQ(audit_labels(evidence, hard.labels).not_to_be_used, "");
}

TEST(AuditEstimate, IsNotToBeUsedWhereTheMixtureFailed) {
  const Drawn drawn = with_uniform_noise(300, 0.2, 4.0, 16);
  AuditEvidence evidence;
  evidence.logits = drawn.tensor();
  evidence.has_partitions = false;
  evidence.clean_probability.assign(300, 1.0);
  EXPECT_EQ(audit_labels(evidence, drawn.labels).not_to_be_used, "");
  evidence.mixture_separates = false;
  EXPECT_NE(audit_labels(evidence, drawn.labels).not_to_be_used.find("separate"),
            std::string::npos);
  evidence.mixture_separates = true;
  evidence.clean_probability.assign(300, 0.1);
  EXPECT_NE(audit_labels(evidence, drawn.labels).not_to_be_used.find("contradicts"),
            std::string::npos);
}

/// A network after a few epochs: it follows labels a little more often than by chance, and its
/// losses part all the same.
TEST(AuditEstimate, IsNotToBeUsedWhereABaselineHasLearntTooLittle) {
  const Drawn drawn = with_uniform_noise(150, 0.2, 1.2, 17);
  AuditEvidence evidence;
  evidence.logits = drawn.tensor();
  evidence.has_partitions = false;
  for (std::int64_t i = 0; i < 150; ++i) {
    const auto z = evidence.logits.span<float>().subspan(static_cast<std::size_t>(i * kClasses),
                                                         static_cast<std::size_t>(kClasses));
    const float of_label = z[static_cast<std::size_t>(drawn.labels[static_cast<std::size_t>(i)])];
    evidence.clean_probability.push_back(of_label == *std::ranges::max_element(z) ? 0.95 : 0.1);
  }
  const std::string most_wrong = audit_labels(evidence, drawn.labels).not_to_be_used;
  EXPECT_NE(most_wrong.find("sure of a class"), std::string::npos) << most_wrong;
  for (double& clean : evidence.clean_probability) clean = std::max(clean, 0.8);
  const std::string most_right = audit_labels(evidence, drawn.labels).not_to_be_used;
  EXPECT_NE(most_right.find("learnt too little"), std::string::npos) << most_right;
}

}  // namespace
}  // namespace bptplr
