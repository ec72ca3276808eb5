#include "apps/findings.hpp"

#include "apps/terminal/load_progress.hpp"

namespace bptplr {

std::optional<Findings> find(const RunFolder& run, const Networks& networks, const Recipe& recipe,
                             const JudgeOptions& judge, FindIssues issues,
                             const StopSignal& signal) {
  LoadProgress loading(signal);
  LoadProgress training(signal, "training folds, epoch");
  LoadProgress judging(signal, "judging labels, step");
  LoadProgress comparing(signal, "comparing samples, percent");
  const StopCondition stop(0.0, [&] { return signal.received(); });
  return find(run, networks, recipe, judge, issues, stop,
              {loading.report(), training.report().progress, judging.report().progress,
               comparing.report().progress});
}

}  // namespace bptplr
