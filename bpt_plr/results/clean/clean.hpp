// From mislabelled samples to a cleaned set: trains what a plan says, judges and writes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "bpt_plr/results/clean/findings.hpp"
#include "bpt_plr/results/clean/plan.hpp"
#include "bpt_plr/run/training_run.hpp"

namespace bptplr {

/// Suspects on the page to decide on.
inline constexpr std::int64_t kReviewed = 200;

/// What was found, and what has been made of it.
struct Cleaning {
  Findings found;
  AuditSummary summary;
  AuditFiles files;
  std::int64_t changed = 0;
  std::string cleaned;  ///< table or labels to use from now on; empty where none was changed
};

/// Work of a cleaning that is told in steps.
enum class CleanWork { kFeatures, kLoading, kFolds, kJudging, kComparing };

/// Is told how far a cleaning is.
class CleanObserver {
 public:
  virtual ~CleanObserver() = default;

  /// Returns who is told of this work; what it refers to must live until `observe`, or the end.
  virtual LoadReport report(CleanWork work) = 0;
  /// Returns who receives the events of training, which begins.
  virtual std::unique_ptr<TrainingObserver> observe(const PlannedRun& run,
                                                    const TrainingData& data) = 0;
};

/// Does what is planned and not done yet, and writes lists, pages and, where samples have files, a
/// cleaned table to the plan's folder; the plan receives the recipe that was trained. Nothing where
/// `stop` ended it, after which the same call goes on. Throws Error.
std::optional<Cleaning> clean(CleanPlan& plan, const JudgeOptions& judge, const StopCondition& stop,
                              CleanObserver& observer);

}  // namespace bptplr
