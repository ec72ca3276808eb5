// An audit in figures: how many labels are wrong, which, and how good that is where it is known.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "bpt_plr/results/audit/audit.hpp"
#include "bpt_plr/train/metrics.hpp"

namespace bptplr {

/// The samples with one given label.
struct AuditedClass {
  std::int64_t samples = 0;
  double expected_wrong = 0.0;      ///< sum of the probabilities that the label is wrong
  std::int64_t flagged = 0;         ///< labels that are wrong with more than probability 0.5
  std::int64_t confused_with = -1;  ///< the class that most of the wrong ones show
  std::optional<WrongLabels> known;
};

/// How well the audit finds wrong labels, over the samples whose true label is known.
struct AuditQuality {
  WrongLabels labels;  ///< flagged: probability above 0.5
  double auc = 0.0;    ///< see correctness_auc; NaN where no label is wrong, or all are
  /// Share of wrong labels among the first k of the ranking, by k: 100, 500, 1000, and as many as
  /// are wrong; none that exceed the number of samples.
  std::map<std::int64_t, double> precision_at;
  double brier = 0.0;            ///< mean of (probability - (1 if wrong, else 0))^2
  double suggested_right = 0.0;  ///< share of the wrong labels for which the true one is suggested
  /// What the mixture of training finds alone: w of at most 0.5.
  WrongLabels mixture;
  double mixture_auc = 0.0;
};

struct AuditSummary {
  std::int64_t samples = 0;
  double expected_wrong = 0.0;
  std::int64_t flagged = 0;
  std::vector<AuditedClass> by_class;  ///< by given label
  std::optional<AuditQuality> known;   ///< nothing where no true label is known
};

AuditSummary summarize(const Audit& audit, const TrainingData& data);

/// The content of audit.json: the summary with what the label model came to and its matrices.
nlohmann::ordered_json to_json(const AuditSummary& summary, const Audit& audit,
                               const Dataset& dataset);

}  // namespace bptplr
