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
#include "engine/error.hpp"

namespace bptplr {

class RunRecorder {
 public:
  using Warn = std::function<void(const std::string&)>;

  /// Receives a resolved recipe; `describe` writes the files that say what the run is (config.json
  /// and those about its data), and `warn` is told in every epoch what could not be written.
  /// `folder` and what the functions refer to must outlive the recorder.
  RunRecorder(const RunFolder& folder, const Recipe& recipe, std::function<void()> describe,
              Warn warn);

  /// Takes over the logs in the folder, and lines that were not in them when the checkpoint that
  /// the run resumes from was written.
  void resume(const Checkpoint& checkpoint);
  /// Takes over the logs in the folder.
  void begin();

  /// Writes metrics, selection, events, models and a checkpoint. Warns of a failed write and
  /// repeats it at the next call; lines that are not in a log are in the checkpoint. Failed events
  /// are not repeated. Describes the run anew if somebody has emptied its folder.
  void record_epoch(const EpochMetrics& metrics, const Trainer& trainer);

  /// Writes a checkpoint in the middle of an epoch. Throws Error when it cannot be written, which
  /// says where --resume goes on.
  void record_interruption(const Trainer& trainer);

  /// Writes a checkpoint that shows why training failed; returns a sentence with its path or with
  /// the error of writing it.
  std::string record_failure(const Trainer& trainer) const;

  /// Repeats failed writes a last time. Throws Error when one fails again, which says where
  /// --resume goes on.
  void finish(const Trainer& trainer);

 private:
  void save_checkpoint(const Trainer& trainer);
  /// Describes the run anew if config.json has gone.
  void restore_folder();
  /// Throws `error` with what the next command is.
  [[noreturn]] void fail(const Error& error, const std::string& what) const;
  /// Calls `write`; warns and returns false if it throws Error.
  bool attempt(const std::function<void()>& write) const;

  const RunFolder& folder_;
  CheckpointStore checkpoints_;
  EventLog events_;
  std::function<void()> describe_;
  Warn warn_;
  RunLog metrics_;
  RunLog selection_;
  std::int64_t saved_epoch_ = 0;  ///< of the newest checkpoint; 0: there is none
  bool is_complete_ = true;       ///< whether everything but events has been written
};

}  // namespace bptplr
