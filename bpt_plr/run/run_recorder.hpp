// Writes the results of a run epoch by epoch; a full disk does not end the training.
#pragma once

#include <functional>
#include <string>

#include "bpt_plr/recipe/recipe.hpp"
#include "bpt_plr/run/checkpoint_store.hpp"
#include "bpt_plr/run/event_log.hpp"
#include "bpt_plr/run/run_folder.hpp"
#include "bpt_plr/train/metrics.hpp"
#include "bpt_plr/train/trainer.hpp"

namespace bptplr {

class RunRecorder {
 public:
  using Warn = std::function<void(const std::string&)>;

  /// Receives a resolved recipe; `warn` is told in every epoch what could not be written. `folder`
  /// and what `warn` refers to must outlive the recorder.
  RunRecorder(const RunFolder& folder, const Recipe& recipe, Warn warn);

  /// Writes metrics, selection, events, models and a checkpoint. Warns of a failed write and
  /// repeats it at the next call, with the lines kept in memory; failed events are not repeated.
  void record_epoch(const EpochMetrics& metrics, const Trainer& trainer);

  /// Writes a checkpoint in the middle of an epoch. Throws Error when it cannot be written.
  void record_interruption(const Trainer& trainer) const;

  /// Writes a checkpoint that shows why training failed; returns a sentence with its path or with
  /// the error of writing it.
  std::string record_failure(const Trainer& trainer) const;

  /// Repeats failed writes a last time. Throws Error when one fails again.
  void finish(const Trainer& trainer);

 private:
  void write_pending_metrics();
  void write_pending_selection();
  /// Calls `write`; warns and returns false if it throws Error.
  bool attempt(const std::function<void()>& write) const;

  const RunFolder& folder_;
  CheckpointStore checkpoints_;
  EventLog events_;
  Warn warn_;
  std::string pending_metrics_;  ///< lines that could not be written yet
  std::string pending_selection_;
  bool is_complete_ = true;  ///< whether everything but events has been written
};

}  // namespace bptplr
