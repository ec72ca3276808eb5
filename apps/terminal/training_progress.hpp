// Shows the progress of training: on a terminal a bar with rate, time left and losses, elsewhere a
// plain line from time to time; and a table with one line per epoch.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "apps/terminal/time_notice.hpp"
#include "bpt_plr/run/run_time.hpp"
#include "bpt_plr/run/training_run.hpp"
#include "bpt_plr/train/trainer.hpp"

namespace bptplr {

/// Prints what a resumed run continues from.
void print_resumed(const TrainingRun& training);

class TerminalProgress : public TrainingObserver {
 public:
  /// Starts the clock of a run with this resolved recipe and data.
  TerminalProgress(const Recipe& recipe, const TrainingData& data, bool resumed);
  TerminalProgress(const TerminalProgress&) = delete;
  TerminalProgress& operator=(const TerminalProgress&) = delete;
  /// Clears the bar, so that an error message does not follow it on its line.
  ~TerminalProgress() override { clear_bar(); }

  void on_progress(const Progress& now) override;
  void on_epoch(const EpochMetrics& metrics) override;
  void on_warning(const std::string& sentence) override;

 private:
  using Clock = std::chrono::steady_clock;

  double seconds_since_start(Clock::time_point time) const;
  void say_time(const TimeEstimate& estimate);
  void say_header(std::size_t columns);
  std::string status(const Progress& now, Clock::time_point time) const;
  void clear_bar();

  const bool is_terminal_;
  const Recipe recipe_;
  const std::int64_t train_images_;
  const bool resumed_;
  RunTime time_;
  TimeNotice notice_;
  std::pair<std::string, int> phase_;  ///< name of the phase, and network
  const Clock::time_point start_;
  Clock::time_point phase_start_;
  std::int64_t phase_start_images_ = 0;
  Clock::time_point epoch_start_;
  Clock::time_point last_output_;
  bool bar_is_shown_ = false;
  std::string header_;  ///< of the table, as last printed
};

}  // namespace bptplr
