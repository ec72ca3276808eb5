// Summarises an audit: how many labels are wrong, which, and its quality where truth is known.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "bpt_plr/results/audit/audit.hpp"
#include "bpt_plr/train/metrics.hpp"

namespace bptplr {

/// Samples with one given label.
struct AuditedClass {
  std::int64_t samples = 0;
  double expected_wrong = 0.0;      ///< sum of the probabilities that the label is wrong
  std::int64_t flagged = 0;         ///< labels that are wrong with a probability above 0.5
  std::int64_t confused_with = -1;  ///< most frequent class of the wrong ones
  std::optional<WrongLabels> known;
};

/// Quality of the detection of wrong labels, over the samples whose true label is known.
struct AuditQuality {
  WrongLabels labels;  ///< flagged: probability above 0.5
  double auc = 0.0;    ///< see correctness_auc; NaN where no label is wrong, or all are
  /// Share of wrong labels among the first k of the ranking, by k: 100, 500, 1000 and the number of
  /// wrong labels, up to the number of samples.
  std::map<std::int64_t, double> precision_at;
  double brier = 0.0;            ///< mean of (probability - (1 if wrong, else 0))^2
  double suggested_right = 0.0;  ///< share of the wrong labels for which the true one is suggested
  /// Wrong labels found by the mixture of training alone: w of at most 0.5.
  WrongLabels mixture;
  double mixture_auc = 0.0;
};

struct AuditSummary {
  std::int64_t samples = 0;
  double expected_wrong = 0.0;
  std::array<double, 2> wrong_interval{};  ///< the number lies between these with 95 %
  std::int64_t flagged = 0;
  std::vector<AuditedClass> by_class;  ///< by given label
  std::optional<AuditQuality> known;   ///< empty where no true label is known
};

AuditSummary summarize(const Audit& audit, const TrainingData& data);

/// Returns the content of audit.json: the summary, the label model's parameters and its matrices.
nlohmann::ordered_json to_json(const AuditSummary& summary, const Audit& audit,
                               const Dataset& dataset);

}  // namespace bptplr
