// Shows the progress of training: on a terminal a bar with rate, time left and losses, elsewhere a
// plain line from time to time; and a table with one line per epoch.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "bpt_plr/recipe/stages.hpp"
#include "bpt_plr/run/training_run.hpp"
#include "bpt_plr/train/trainer.hpp"

namespace bptplr {

/// Prints what a resumed run continues from.
void print_resumed(const TrainingRun& training);

class TerminalProgress : public TrainingObserver {
 public:
  /// Starts the clock of a run with this resolved recipe.
  explicit TerminalProgress(const Recipe& recipe);
  TerminalProgress(const TerminalProgress&) = delete;
  TerminalProgress& operator=(const TerminalProgress&) = delete;
  /// Clears the bar, so that an error message does not follow it on its line.
  ~TerminalProgress() override { clear_bar(); }

  void on_progress(const Progress& now) override;
  void on_epoch(const EpochMetrics& metrics) override;
  void on_warning(const std::string& sentence) override;

 private:
  using Clock = std::chrono::steady_clock;

  /// Returns the seconds until the current epoch ends; negative if unknown.
  double epoch_seconds_left(const Progress& now, Clock::time_point time) const;
  /// Returns the seconds until the current phase ends; 0 before its first iteration.
  double phase_seconds_left(const Progress& now, Clock::time_point time) const;
  /// Returns the seconds until the run ends, `epoch_left` in this epoch; negative if unknown.
  double run_seconds_left(const Progress& now, double epoch_left) const;
  /// Returns the seconds of an epoch after the warm-up, measured or estimated; negative if unknown.
  double main_epoch_seconds() const;
  bool is_warm_up(std::int64_t epoch) const;
  std::int64_t warm_up_epochs_after(std::int64_t epoch) const;
  std::string status(const Progress& now, Clock::time_point time) const;
  void clear_bar();

  const bool is_terminal_;
  const std::int64_t num_epochs_;
  const std::int64_t networks_;
  const std::vector<Stage> stages_;  ///< where the warm-ups are; empty for a baseline
  const double main_epoch_cost_;     ///< of an epoch after the warm-up, in epochs of the warm-up
  std::map<bool, double> last_epoch_seconds_;  ///< by whether it is a warm-up epoch
  std::pair<std::string, int> phase_;          ///< name of the phase, and network
  Clock::time_point phase_start_;
  std::int64_t phase_start_images_ = 0;
  Clock::time_point epoch_start_;
  Clock::time_point last_output_;
  bool bar_is_shown_ = false;
  std::string header_;  ///< of the table, as last printed
};

}  // namespace bptplr
