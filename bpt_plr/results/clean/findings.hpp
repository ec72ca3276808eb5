// What is found out about a run's labels and samples.
#pragma once

#include <filesystem>
#include <optional>

#include "bpt_plr/results/audit/files.hpp"
#include "bpt_plr/results/issues/data_issues.hpp"
#include "bpt_plr/results/judges/judges.hpp"
#include "data/load_report.hpp"

namespace bptplr {

struct Findings {
  TrainingData data;
  Audit audit;
  std::optional<DataIssues> issues;
};

/// Who is told of the work; each may be empty.
struct FindingsProgress {
  LoadReport loading;  ///< images read, then samples evaluated
  FoldProgress training;
  AuditProgress judging;
  AuditProgress comparing;  ///< percents
};

/// Loads the data of a run, judges every label and looks for other issues. Nothing where `stop`
/// ended the training of folds, with which the same call goes on. Throws Error as judge_run does.
std::optional<Findings> find(const RunFolder& run, const Networks& networks, const Recipe& recipe,
                             const JudgeOptions& judge, FindIssues issues,
                             const StopCondition& stop, const FindingsProgress& progress);

/// Writes the files of write_audit and, where issues were looked for, issues.csv to a folder.
AuditFiles write_findings(const std::filesystem::path& folder, const Findings& found,
                          const AuditSummary& summary, double threshold);

}  // namespace bptplr
