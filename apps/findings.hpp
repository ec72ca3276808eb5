// What `bptplr audit` and `bptplr clean` find out about a run's labels and samples, with progress
// on the terminal.
#pragma once

#include <filesystem>
#include <optional>

#include "apps/terminal/stop_signals.hpp"
#include "bpt_plr/results/audit/files.hpp"
#include "bpt_plr/results/issues/data_issues.hpp"
#include "bpt_plr/results/judges/judges.hpp"

namespace bptplr {

struct Findings {
  TrainingData data;
  Audit audit;
  std::optional<DataIssues> issues;
};

/// Loads the data of a run, judges every label and looks for other issues. Nothing where a signal
/// stopped the training of folds, with which the same call goes on. Throws Interrupted for a signal
/// at other times, and Error as judge_run does.
std::optional<Findings> find(const RunFolder& run, const Networks& networks, const Recipe& recipe,
                             const JudgeOptions& judge, FindIssues issues,
                             const StopSignal& signal);

/// Writes the files of write_audit and, where issues were looked for, issues.csv to a folder.
AuditFiles write_findings(const std::filesystem::path& folder, const Findings& found,
                          const AuditSummary& summary, double threshold);

}  // namespace bptplr
