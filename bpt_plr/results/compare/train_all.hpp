// Trains the runs of a comparison, one after the other, for the command and for Python. Several
// processes may do so in one folder: each takes runs that nobody has.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "bpt_plr/results/compare/comparison.hpp"
#include "bpt_plr/results/compare/plan.hpp"
#include "bpt_plr/results/compare/shared_runs.hpp"
#include "bpt_plr/run/training_run.hpp"

namespace bptplr {

/// What is to be compared, and where.
struct ComparisonPlan {
  std::filesystem::path out;
  std::vector<LabelledRecipe> labelled;
  std::vector<std::int64_t> seeds;
  std::vector<std::string> left_out;  ///< sentences on what yields to the data set
  std::vector<std::string> unread;    ///< sentences on fields without effect

  std::size_t num_runs() const { return labelled.size() * seeds.size(); }
};

std::vector<std::string> labels_of(const std::vector<LabelledRecipe>& labelled);

/// Returns runs/compare_DATASET_NOISE even if it exists, so that the same call resumes it.
std::string default_comparison_folder(Recipe recipe);

/// Plans to train each of `labelled` with every seed; `given` are the fields that count for all.
/// Throws Error for a recipe that cannot be trained.
ComparisonPlan plan_comparison(std::vector<LabelledRecipe> labelled,
                               std::vector<std::int64_t> seeds, std::filesystem::path out,
                               const nlohmann::json& given);

/// Receives what happens in a comparison, in this order.
class ComparisonObserver {
 public:
  virtual ~ComparisonObserver() = default;

  /// Told how many runs are left, before their data are looked at.
  virtual void on_plan(const ComparisonPlan& /*plan*/, std::size_t /*left*/) {}
  /// Loads the data of a run by load_data, showing the progress; nothing where it was stopped.
  virtual std::optional<TrainingData> load(PlannedRun& run) = 0;
  /// Told that nothing refuses the runs any more.
  virtual void on_begin() {}
  virtual void on_run(const WaitingRun& /*run*/) {}
  /// Returns who receives the events of a run's training.
  virtual std::unique_ptr<TrainingObserver> observe(const WaitingRun& run,
                                                    const TrainingData& data) = 0;
  /// Told before a run trains.
  virtual void on_training(const WaitingRun& /*run*/, const TrainingData& /*data*/,
                           const TrainingRun& /*training*/) {}
  /// Told of a run without results; the others go on.
  virtual void on_failure(const ComparedRun& /*run*/) {}
  /// Told every second while all runs that are left are with other processes.
  virtual void on_wait(const std::vector<HeldRun>& /*held*/) {}
};

/// How a comparison ended.
struct ComparisonEnd {
  Comparison comparison;
  bool stopped = false;     ///< the same call goes on
  bool any_failed = false;  ///< whether a run of the plan has no results, whoever made it
};

/// Makes all runs of a plan that are not there yet: those of all labels with the first seed, then
/// with the second one, ..., so that a comparison cut short is balanced. Tables and page are
/// written after each. A run that another process trains is left to it, or taken over when that
/// ends without results; returns when all have ended. Throws Error where an existing run has
/// another recipe, or runs of a seed would train on different data.
ComparisonEnd train_all(const ComparisonPlan& plan, const StopCondition& stop,
                        ComparisonObserver& observer);

/// Writes tables and page of a plan's folder, and returns what they show.
Comparison update_tables(const ComparisonPlan& plan);

}  // namespace bptplr
