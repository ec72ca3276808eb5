#include "apps/findings.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "apps/terminal/load_progress.hpp"
#include "bpt_plr/run/run_data.hpp"

namespace bptplr {

std::optional<Findings> find(const RunFolder& run, const Networks& networks, const Recipe& recipe,
                             const JudgeOptions& judge, FindIssues issues,
                             const StopSignal& signal) {
  LoadProgress loading(signal);
  LoadProgress training(signal, "training folds, epoch");
  LoadProgress judging(signal, "judging labels, step");
  LoadProgress comparing(signal, "comparing samples, percent");
  const StopCondition stop(0.0, [&] { return signal.received(); });
  Findings found;
  found.data = reload_data(run, recipe, loading.report());
  auto audit =
      judge_run(run, networks, recipe, found.data, judge, stop,
                {loading.report().progress, training.report().progress, judging.report().progress});
  if (!audit) return std::nullopt;
  found.audit = std::move(*audit);
  const auto percent = comparing.report().progress;
  found.issues = find_data_issues(
      issues, networks, recipe, found.data, loading.report().progress,
      [&](double share) { percent(static_cast<std::int64_t>(100.0 * share), 100); });
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
