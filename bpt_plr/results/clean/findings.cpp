#include "bpt_plr/results/clean/findings.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "bpt_plr/run/run_data.hpp"

namespace bptplr {

std::optional<Findings> find(const RunFolder& run, const Networks& networks, const Recipe& recipe,
                             const JudgeOptions& judge, FindIssues issues,
                             const StopCondition& stop, const FindingsProgress& progress) {
  Findings found;
  found.data = reload_data(run, recipe, progress.loading);
  auto audit = judge_run(run, networks, recipe, found.data, judge, stop,
                         {progress.loading.progress, progress.training, progress.judging});
  if (!audit) return std::nullopt;
  found.audit = std::move(*audit);
  found.issues = find_data_issues(
      issues, networks, recipe, found.data, progress.loading.progress, [&](double share) {
        if (progress.comparing) progress.comparing(static_cast<std::int64_t>(100.0 * share), 100);
      });
  return found;
}

AuditFiles write_findings(const std::filesystem::path& folder, const Findings& found,
                          const AuditSummary& summary, double threshold) {
  AuditFiles files =
      write_audit(folder, found.audit, summary, found.data, threshold,
                  found.issues ? to_json(*found.issues, found.data.dataset) : nullptr);
  if (found.issues) write_issues(folder / "issues.csv", found.audit, *found.issues, found.data);
  return files;
}

}  // namespace bptplr
