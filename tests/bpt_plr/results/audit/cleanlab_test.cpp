// The audit beside cleanlab, on the same out-of-sample probabilities of wrongly labelled digits:
// tests/golden/make_audit.py.
#include <gtest/gtest.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "bpt_plr/method/partition.hpp"
#include "bpt_plr/results/audit/audit.hpp"
#include "bpt_plr/results/audit/confident.hpp"
#include "tests/golden.hpp"

namespace bptplr {
namespace {

using Labels = std::vector<std::int64_t>;

Labels integers(const Tensor& tensor) {
  const auto values = tensor.span<std::uint8_t>();
  return {values.begin(), values.end()};
}

/// Probabilities, labels and cleanlab's figures of one classifier.
struct Digits {
  Labels truth;
  Labels labels;
  std::vector<float> p;
  Tensor logits;
  double found = 0.0;
  double found_wrong = 0.0;
  double auc = 0.0;
  double wrong = 0.0;

  Digits(const Golden& golden, const std::string& name)
      : truth(integers(golden["true"])), labels(integers(golden["digits/" + name + "/labels"])) {
    const Tensor& stored = golden["digits/" + name + "/p"];
    const auto bytes = stored.span<std::uint8_t>();
    const auto classes = static_cast<std::size_t>(stored.size(1));
    std::vector<float> z;
    for (std::size_t i = 0; i < labels.size(); ++i) {
      double sum = 0.0;
      for (std::size_t c = 0; c < classes; ++c) sum += bytes[i * classes + c];
      for (std::size_t c = 0; c < classes; ++c) {
        const double value = bytes[i * classes + c] / sum;
        p.push_back(static_cast<float>(value));
        z.push_back(static_cast<float>(std::log(std::max(value, 1.2e-38))));
      }
      wrong += labels[i] != truth[i] ? 1.0 : 0.0;
    }
    logits = Tensor::from(z, stored.shape());
    const auto counts = golden["digits/" + name + "/found"].span<std::int64_t>();
    found = static_cast<double>(counts[0]);
    found_wrong = static_cast<double>(counts[1]);
    auc = golden["digits/" + name + "/auc"].item();
  }

  LabelledSamples samples() const {
    return {std::ssize(labels), logits.size(1), logits.data<float>(), labels};
  }
  Audit audit() const {
    AuditEvidence evidence;
    evidence.logits = logits;
    return audit_labels(evidence, labels);
  }
  double auc_of(const Audit& audit) const {
    std::vector<double> rightness(labels.size());
    for (std::size_t rank = 0; rank < labels.size(); ++rank) {
      rightness[static_cast<std::size_t>(audit.ranking[rank])] = static_cast<double>(rank);
    }
    return correctness_auc(rightness, labels, truth);
  }
  /// Share of wrong labels among the first of the ranking.
  double precision(const Audit& audit, std::int64_t first) const {
    return static_cast<double>(std::count_if(audit.ranking.begin(), audit.ranking.begin() + first,
                                             [&](std::int64_t i) {
                                               const auto k = static_cast<std::size_t>(i);
                                               return labels[k] != truth[k];
                                             })) /
           static_cast<double>(first);
  }
};

std::int64_t flagged(const Audit& audit) {
  return std::ranges::count_if(audit.wrong_probability, [](double p) { return p > 0.5; });
}

TEST(AuditBesideCleanlab, FindsAsManyByConfidentLearning) {
  const Golden golden("audit");
  for (const std::string& name : golden.cases("digits")) {
    const Digits digits(golden, name);
    // cleanlab rounds counts so that they add up; so each label may differ by one or so.
    EXPECT_NEAR(confident_number(digits.samples(), digits.p), digits.found, 15.0) << name;
  }
}

TEST(AuditBesideCleanlab, NumberAndRankingAreNoWorse) {
  const Golden golden("audit");
  for (const std::string& name : golden.cases("digits")) {
    const Digits digits(golden, name);
    if (digits.wrong == 0.0) continue;
    const Audit audit = digits.audit();
    // 1 % of the labels: what a few votes more or less make.
    const double slack = 0.01 * static_cast<double>(digits.labels.size());
    EXPECT_LE(std::abs(audit.expected_wrong - digits.wrong),
              std::abs(digits.found - digits.wrong) + slack)
        << name;
    EXPECT_GE(digits.auc_of(audit), digits.auc - 0.001) << name;
    EXPECT_GE(digits.precision(audit, static_cast<std::int64_t>(digits.found)),
              digits.found_wrong / digits.found - 0.01)
        << name;
    EXPECT_NEAR(static_cast<double>(flagged(audit)), audit.expected_wrong, 2.0 * slack) << name;
    EXPECT_EQ(audit.not_to_be_used, "") << name;
  }
}

TEST(AuditBesideCleanlab, RanksLearntNoiseFarBetter) {
  const Golden golden("audit");
  for (const char* name :
       {"next40_forest_noisy", "next40_regression_noisy", "next40_neighbours_noisy"}) {
    const Digits digits(golden, name);
    const Audit audit = digits.audit();
    EXPECT_GT(audit.model->learnt_noise, 0.9) << name;
    EXPECT_GT(digits.auc_of(audit), digits.auc + 0.04) << name;
    EXPECT_LE(audit.wrong_interval[0], audit.expected_wrong) << name;
    EXPECT_GE(audit.wrong_interval[1], audit.expected_wrong) << name;
  }
}

TEST(AuditBesideCleanlab, FindsHardlyAnyWhereNoneIsWrong) {
  const Golden golden("audit");
  const Digits digits(golden, "none_regression_noisy");
  const Audit audit = digits.audit();
  EXPECT_EQ(digits.wrong, 0.0);
  EXPECT_LE(flagged(audit), static_cast<std::int64_t>(digits.found));
  EXPECT_LE(audit.expected_wrong, digits.found);
}

TEST(AuditBesideCleanlab, IsTheSameForAnyNumberOfThreads) {
  const Golden golden("audit");
  const Digits digits(golden, "next40_neighbours_noisy");
  const int before = omp_get_max_threads();
  omp_set_num_threads(1);
  const Audit one = digits.audit();
  omp_set_num_threads(3);
  const Audit three = digits.audit();
  omp_set_num_threads(before);
  EXPECT_EQ(one.wrong_probability, three.wrong_probability);
  EXPECT_EQ(one.suggested, three.suggested);
  EXPECT_EQ(one.ranking, three.ranking);
  EXPECT_EQ(one.joint, three.joint);
  EXPECT_EQ(one.transition, three.transition);
  EXPECT_EQ(one.expected_wrong, three.expected_wrong);
  EXPECT_EQ(one.wrong_interval, three.wrong_interval);
}

}  // namespace
}  // namespace bptplr
