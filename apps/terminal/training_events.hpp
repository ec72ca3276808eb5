// Prints the events of training as JSON, one object on a line, for --log_format json.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "apps/terminal/time_notice.hpp"
#include "bpt_plr/results/compare/comparison.hpp"
#include "bpt_plr/run/run_time.hpp"
#include "bpt_plr/run/training_run.hpp"

namespace bptplr {

/// Prints {"event": "epoch", ...} with the line of metrics.jsonl, "time" and "warning".
class EventProgress : public TrainingObserver {
 public:
  EventProgress(const Recipe& recipe, const TrainingData& data);

  void on_progress(const Progress& now) override;
  void on_epoch(const EpochMetrics& metrics) override;
  void on_warning(const std::string& sentence) override;

 private:
  double seconds() const;

  const bool quiet_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  RunTime time_;
  TimeNotice notice_;
};

/// Returns what shows a run's progress: text, JSON events, or nothing, as the recipe asks; nothing
/// on a rank that does not speak.
std::unique_ptr<TrainingObserver> make_progress(const Recipe& recipe, const TrainingData& data,
                                                bool resumed);

/// Prints {"event": "start", ...}: the recipe and its data.
void say_start(const PlannedRun& run, const TrainingData& data, const std::string& resumed_from);

/// Prints {"event": "end", "status": "done", ...} with the results of a run.
void say_end(const Recipe& recipe, const ComparedRun& results);
/// Prints the end of a command that was stopped or failed; `why` is a sentence.
void say_end(const std::string& status, const std::string& why);

}  // namespace bptplr
