// Hands out the runs of a comparison to the processes that work on it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "bpt_plr/results/compare/folder.hpp"
#include "bpt_plr/results/compare/plan.hpp"
#include "bpt_plr/run/training_run.hpp"

namespace bptplr {

/// Run that has not ended yet.
struct WaitingRun {
  std::size_t number = 0;  ///< among all requested runs, from 1
  std::string label;
  Recipe asked;  ///< not resolved, with seed and folder
  PlannedRun run;
  /// Lines of it in runs.jsonl when this call began. A failure among them is tried again, a later
  /// one is not, or the processes of a comparison would try it in turns for ever.
  std::ptrdiff_t lines_before = 0;
};

/// Run that another process has, or had when it was last looked for.
struct HeldRun {
  std::string label;
  std::int64_t seed = 0;
  std::string holder;  ///< "process 123 on HOST"

  bool operator==(const HeldRun&) const = default;
};

/// Returns a list of {label, seed, holder}.
nlohmann::ordered_json to_json(const std::vector<HeldRun>& held);

/// Runs of a plan that have not ended. A process has a run while it holds the lock of the run's
/// folder, which ends with the process: another one then takes it over from its checkpoint.
class SharedRuns {
 public:
  /// Plans the runs that have no results. Throws Error where one has another recipe, or cannot be
  /// trained. `folder` must outlive this.
  SharedRuns(const std::vector<LabelledRecipe>& labelled, const std::vector<std::int64_t>& seeds,
             ComparisonFolder& folder);

  /// Returns the runs that had not ended when update() last looked, in the order in which they are
  /// made.
  std::vector<WaitingRun>& left() { return left_; }
  /// Leaves out runs that a process has ended by now. Throws Error where it had another recipe.
  void update();
  /// Takes the first run that nobody has, with its lock; returns nothing if there is none.
  std::optional<WaitingRun> take();
  /// Returns the runs that take() has found to be of others.
  const std::vector<HeldRun>& held() const { return held_; }

 private:
  const ComparedRun* ending_of(const WaitingRun& run) const;

  ComparisonFolder& folder_;
  std::vector<WaitingRun> left_;
  std::vector<HeldRun> held_;
};

}  // namespace bptplr
