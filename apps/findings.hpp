// What `bptplr audit` finds out about a run, with progress on the terminal.
#pragma once

#include <optional>

#include "apps/terminal/stop_signals.hpp"
#include "bpt_plr/results/clean/findings.hpp"

namespace bptplr {

/// Finds as the library's function does. Throws Interrupted for a signal, except where it stopped
/// the training of folds.
std::optional<Findings> find(const RunFolder& run, const Networks& networks, const Recipe& recipe,
                             const JudgeOptions& judge, FindIssues issues,
                             const StopSignal& signal);

}  // namespace bptplr
