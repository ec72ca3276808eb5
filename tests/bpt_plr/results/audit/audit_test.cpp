#include "bpt_plr/results/audit/audit.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "bpt_plr/results/audit/files.hpp"
#include "bpt_plr/results/audit/summary.hpp"
#include "data/csv.hpp"
#include "data/noise/noise.hpp"
#include "data/sets/image_list.hpp"
#include "engine/error.hpp"
#include "engine/io/file.hpp"
#include "engine/io/json.hpp"
#include "engine/random.hpp"
#include "tests/data/sets/cifar10_files.hpp"

namespace bptplr {
namespace {

using Labels = std::vector<std::int64_t>;

constexpr std::int64_t kClasses = 3;

/// Samples of three classes, every fifth of which has a wrong label, and networks that are right
/// but now and then.
struct Case {
  TrainingData data;
  AuditEvidence evidence;

  explicit Case(std::int64_t samples) {
    data.dataset.name = "drawn";
    data.dataset.class_names = {"cat", "dog, small", "ship"};
    evidence.logits = Tensor::empty({samples, kClasses});
    for (std::int64_t i = 0; i < samples; ++i) {
      Philox random(9, Purpose::kTest, 0, static_cast<std::uint32_t>(i));
      const std::int64_t truth = i % kClasses;
      data.true_labels.push_back(truth);
      data.noisy_labels.push_back(i % 5 == 4 ? (truth + 1) % kClasses : truth);
      for (std::int64_t c = 0; c < kClasses; ++c) {
        evidence.logits.data<float>()[i * kClasses + c] =
            static_cast<float>(random.normal() + (c == truth ? 3.0 : 0.0));
      }
      evidence.clean_probability.push_back(random.uniform_double());
    }
  }

  bool is_wrong(std::int64_t i) const {
    const auto sample = static_cast<std::size_t>(i);
    return data.noisy_labels[sample] != data.true_labels[sample];
  }
};

TEST(Audit, RanksByTheOddsThatALabelIsWrong) {
  const Case drawn(600);
  const Audit audit = audit_labels(drawn.evidence, drawn.data.noisy_labels);
  Labels sorted = audit.ranking;
  std::ranges::sort(sorted);
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    EXPECT_EQ(sorted[i], static_cast<std::int64_t>(i));
  }
  for (std::size_t rank = 1; rank < audit.ranking.size(); ++rank) {
    EXPECT_GE(audit.model->wrong_log_odds[static_cast<std::size_t>(audit.ranking[rank - 1])],
              audit.model->wrong_log_odds[static_cast<std::size_t>(audit.ranking[rank])]);
  }
  EXPECT_TRUE(drawn.is_wrong(audit.ranking.front()));
  EXPECT_FALSE(drawn.is_wrong(audit.ranking.back()));
}

/// Networks that only repeat the labels: the clean probability is what there is.
TEST(Audit, TakesTheMixtureWhereNetworksWereTrainedOnTheLabels) {
  Case drawn(600);
  drawn.evidence.has_partitions = false;
  for (std::size_t i = 0; i < 600; i += 3) drawn.evidence.clean_probability[i] = 0.0;
  const Labels& labels = drawn.data.noisy_labels;
  const Audit audit = audit_labels(drawn.evidence, labels);
  EXPECT_FALSE(audit.model.has_value());
  std::vector<double> of_label(kClasses);
  for (std::size_t i = 0; i < 600; ++i) {
    EXPECT_EQ(audit.wrong_probability[i], 1.0 - drawn.evidence.clean_probability[i]);
    EXPECT_NE(audit.suggested[i], labels[i]);
    const float* z = drawn.evidence.logits.data<float>() + i * kClasses;
    for (std::int64_t c = 0; c < kClasses; ++c) {
      EXPECT_TRUE(c == labels[i] || z[audit.suggested[i]] >= z[c]);
    }
    of_label[static_cast<std::size_t>(labels[i])] += audit.wrong_probability[i];
  }
  // Certain ones, a third, come first, and among them those with the largest loss.
  double before = std::numeric_limits<double>::infinity();
  for (std::size_t rank = 0; rank < 200; ++rank) {
    const auto i = static_cast<std::size_t>(audit.ranking[rank]);
    EXPECT_EQ(i % 3, 0U);
    const float* z = drawn.evidence.logits.data<float>() + i * kClasses;
    double odds = 0.0;
    for (std::int64_t c = 0; c < kClasses; ++c) odds += std::exp(double{z[c]} - z[labels[i]]);
    EXPECT_LE(odds, before + 1e-5);
    before = odds;
  }
  for (std::size_t y = 0; y < kClasses; ++y) {
    double wrong = 0.0;
    double labelled = 0.0;
    for (std::size_t c = 0; c < kClasses; ++c) {
      if (c != y) wrong += audit.joint[y * kClasses + c];
      labelled += audit.transition[y * kClasses + c];
    }
    EXPECT_NEAR(wrong, of_label[y], 1e-6);
    EXPECT_NEAR(labelled, 1.0, 1e-9);
  }
}

TEST(Audit, CorrectsWhatExceedsTheThreshold) {
  const Case drawn(600);
  const Labels& labels = drawn.data.noisy_labels;
  const Audit audit = audit_labels(drawn.evidence, labels);
  EXPECT_EQ(corrected_labels(audit, labels, 1.0), labels);
  std::int64_t before = std::ssize(labels);
  for (const double threshold : {0.0, 0.3, 0.5, 0.9}) {
    const Labels corrected = corrected_labels(audit, labels, threshold);
    std::int64_t changed = 0;
    for (std::size_t i = 0; i < labels.size(); ++i) {
      const bool exceeds = audit.wrong_probability[i] > threshold;
      EXPECT_EQ(corrected[i], exceeds ? audit.suggested[i] : labels[i]);
      changed += corrected[i] != labels[i] ? 1 : 0;
    }
    EXPECT_LE(changed, before);
    before = changed;
  }
  const Labels corrected = corrected_labels(audit, labels, 0.5);
  EXPECT_LT(noise_rate(corrected, drawn.data.true_labels),
            0.5 * noise_rate(labels, drawn.data.true_labels));
}

TEST(AuditSummary, CountsWhatThereIs) {
  Case drawn(1500);
  // Of some samples nobody knows the truth.
  for (std::size_t i = 0; i < 1500; i += 7) drawn.data.true_labels[i] = kUnknownLabel;
  const Audit audit = audit_labels(drawn.evidence, drawn.data.noisy_labels);
  const AuditSummary summary = summarize(audit, drawn.data);
  ASSERT_TRUE(summary.known.has_value());
  std::vector<std::int64_t> known_in_order;
  WrongLabels plain;
  std::int64_t flagged = 0;
  double expected = 0.0;
  double squares = 0.0;
  for (const std::int64_t sample : audit.ranking) {
    const auto i = static_cast<std::size_t>(sample);
    const double p = audit.wrong_probability[i];
    expected += p;
    flagged += p > 0.5 ? 1 : 0;
    if (drawn.data.true_labels[i] < 0) continue;
    known_in_order.push_back(drawn.is_wrong(sample) ? 1 : 0);
    plain.wrong += drawn.is_wrong(sample) ? 1 : 0;
    plain.flagged += p > 0.5 ? 1 : 0;
    plain.found += drawn.is_wrong(sample) && p > 0.5 ? 1 : 0;
    squares += std::pow(p - (drawn.is_wrong(sample) ? 1.0 : 0.0), 2);
  }
  const AuditQuality& quality = *summary.known;
  EXPECT_EQ(summary.samples, 1500);
  EXPECT_EQ(summary.flagged, flagged);
  EXPECT_NEAR(summary.expected_wrong, expected, 1e-6);
  EXPECT_EQ(quality.labels.wrong, plain.wrong);
  EXPECT_EQ(quality.labels.flagged, plain.flagged);
  EXPECT_EQ(quality.labels.found, plain.found);
  EXPECT_NEAR(quality.brier, squares / static_cast<double>(known_in_order.size()), 1e-9);
  EXPECT_GT(quality.auc, 0.9);
  EXPECT_NEAR(quality.mixture_auc, 0.5, 0.1);  // drawn at random above
  EXPECT_GT(quality.suggested_right, 0.9);

  std::vector<std::int64_t> ks{100, 500, 1000, plain.wrong};
  std::ranges::sort(ks);
  ASSERT_EQ(quality.precision_at.size(), ks.size());
  for (const std::int64_t k : ks) {
    const auto found = std::count(known_in_order.begin(), known_in_order.begin() + k, 1);
    EXPECT_DOUBLE_EQ(quality.precision_at.at(k),
                     static_cast<double>(found) / static_cast<double>(k))
        << k;
  }

  std::int64_t samples = 0;
  std::int64_t found = 0;
  for (const AuditedClass& of : summary.by_class) {
    samples += of.samples;
    ASSERT_TRUE(of.known.has_value());
    found += of.known->found;
  }
  EXPECT_EQ(samples, 1500);
  EXPECT_EQ(found, plain.found);
  // A wrong label is always the next class.
  EXPECT_EQ(summary.by_class[1].confused_with, 0);
  EXPECT_EQ(summary.by_class[0].confused_with, 2);
}

TEST(AuditSummary, SaysNothingOfTruthThatNobodyKnows) {
  Case drawn(300);
  std::ranges::fill(drawn.data.true_labels, kUnknownLabel);
  const Audit audit = audit_labels(drawn.evidence, drawn.data.noisy_labels);
  const AuditSummary summary = summarize(audit, drawn.data);
  EXPECT_FALSE(summary.known.has_value());
  EXPECT_FALSE(summary.by_class[0].known.has_value());
  const auto json = to_json(summary, audit, drawn.data.dataset);
  EXPECT_TRUE(json.at("known").is_null());
}

TEST(AuditSummary, NoWrongLabelIsNoError) {
  Case drawn(300);
  drawn.data.noisy_labels = drawn.data.true_labels;
  const Audit audit = audit_labels(drawn.evidence, drawn.data.noisy_labels);
  const AuditSummary summary = summarize(audit, drawn.data);
  ASSERT_TRUE(summary.known.has_value());
  EXPECT_EQ(summary.known->labels.wrong, 0);
  EXPECT_TRUE(std::isnan(summary.known->auc));
  const std::string text = to_text(to_json(summary, audit, drawn.data.dataset));
  EXPECT_NE(text.find("\"auc\":null"), std::string::npos) << text;
}

TEST(AuditFiles, HoldEverySample) {
  const TemporaryFolder folder;
  Case drawn(300);
  drawn.data.true_labels[7] = kUnknownLabel;
  for (int i = 0; i < 300; ++i) {
    drawn.data.dataset.train.files.push_back("set/a, " + std::to_string(i) + ".jpg");
  }
  const Labels& labels = drawn.data.noisy_labels;
  const Audit audit = audit_labels(drawn.evidence, labels);
  const AuditFiles files = write_audit(folder.path() / "deep" / "audit", audit,
                                       summarize(audit, drawn.data), drawn.data, 0.5, {});
  const auto rows = parse_csv(read_file(files.suspects), "suspects.csv");
  ASSERT_EQ(rows.size(), 301U);
  ASSERT_EQ(rows[0].fields.size(), 9U);
  for (std::size_t rank = 1; rank < rows.size(); ++rank) {
    const std::vector<std::string>& row = rows[rank].fields;
    const auto i = static_cast<std::size_t>(audit.ranking[rank - 1]);
    EXPECT_EQ(row[0], std::to_string(rank));
    EXPECT_EQ(row[1], std::to_string(i));
    EXPECT_EQ(row[2], drawn.data.dataset.train.files[i]);
    EXPECT_EQ(row[3], std::to_string(labels[i]));
    EXPECT_EQ(row[4], drawn.data.dataset.class_names[static_cast<std::size_t>(labels[i])]);
    EXPECT_EQ(row[5], std::to_string(audit.suggested[i]));
    EXPECT_NEAR(std::stod(row[7]), audit.wrong_probability[i], 1e-6);
    EXPECT_EQ(row[8], i == 7 ? "" : std::to_string(drawn.data.true_labels[i]));
  }
  EXPECT_EQ(read_noise_file(files.labels, 300, kClasses), corrected_labels(audit, labels, 0.5));
  const auto json = parse_json(read_file(files.summary));
  EXPECT_EQ(json.at("samples"), 300);
  EXPECT_EQ(json.at("by_class").size(), 3U);
  double sum = 0.0;
  for (const auto& row : json.at("joint_given_true")) {
    for (const auto& count : row) sum += count.get<double>();
  }
  EXPECT_NEAR(sum, 300.0, 0.01);
  for (const auto& row : json.at("transition_true_given")) {
    EXPECT_NEAR(row[0].get<double>() + row[1].get<double>() + row[2].get<double>(), 1.0, 2e-4);
  }
}

TEST(AuditFiles, HoldNoLabelsThatAreNotToBeUsed) {
  const TemporaryFolder folder;
  const Case drawn(300);
  Audit audit = audit_labels(drawn.evidence, drawn.data.noisy_labels);
  ASSERT_EQ(audit.not_to_be_used, "");
  const AuditSummary summary = summarize(audit, drawn.data);
  EXPECT_TRUE(exists(write_audit(folder.path(), audit, summary, drawn.data, 0.5, {}).labels));
  audit.not_to_be_used = "it knows nothing";
  const AuditFiles files = write_audit(folder.path(), audit, summary, drawn.data, 0.5, {});
  EXPECT_FALSE(exists(files.labels)) << "those of the audit before";
  EXPECT_EQ(files.corrected, 0);
  const auto json = parse_json(read_file(files.summary));
  EXPECT_EQ(json.at("usable"), false);
  EXPECT_EQ(json.at("not_to_be_used"), "it knows nothing");
  EXPECT_EQ(json.at("expected_wrong_95").size(), 2U);
}

TEST(AuditFiles, SayWhereTheyCannotBe) {
  const TemporaryFolder folder;
  const Case drawn(30);
  const Audit audit = audit_labels(drawn.evidence, drawn.data.noisy_labels);
  write_file_atomically(folder.path() / "file", "in the way");
  EXPECT_THROW(
      write_audit(folder.path() / "file", audit, summarize(audit, drawn.data), drawn.data, 0.5, {}),
      Error);
}

}  // namespace
}  // namespace bptplr
