// Writes what a run leaves behind, epoch by epoch, and never lets a full disk end the training.
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

  /// `warn` is told, in every epoch, what could not be written. The recipe is a resolved one.
  /// `folder` and what `warn` refers to must outlive this.
  RunRecorder(const RunFolder& folder, const Recipe& recipe, Warn warn);

  /// Writes metrics, selection, events, models and a checkpoint. What fails is warned of and made
  /// good at the next call, lines waiting in memory; only events are not.
  void record_epoch(const EpochMetrics& metrics, const Trainer& trainer);

  /// Writes a checkpoint of an epoch that is under way. Throws Error when it cannot be written.
  void record_interruption(const Trainer& trainer) const;

  /// Writes a checkpoint that shows why training failed; returns what there is to say about it.
  std::string record_failure(const Trainer& trainer) const;

  /// Tries once more to write what is missing. Throws Error when something still is.
  void finish(const Trainer& trainer);

 private:
  void write_pending_metrics();
  void write_pending_selection();
  /// Calls `write`; where it throws an Error, warns and returns false.
  bool attempt(const std::function<void()>& write) const;

  const RunFolder& folder_;
  CheckpointStore checkpoints_;
  EventLog events_;
  Warn warn_;
  std::string pending_metrics_;  ///< lines that could not be written yet
  std::string pending_selection_;
  bool is_complete_ = true;  ///< everything but events has been written
};

}  // namespace bptplr
