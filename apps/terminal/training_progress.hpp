// What the user sees while a run trains: on a terminal a bar with rate, time left and losses, else
// a plain line now and then; and one line of a table for every epoch.
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

/// Prints what a resumed run goes on from.
void print_resumed(const TrainingRun& training);

class TerminalProgress : public TrainingObserver {
 public:
  /// For a run of this resolved recipe; it starts now.
  explicit TerminalProgress(const Recipe& recipe);
  TerminalProgress(const TerminalProgress&) = delete;
  TerminalProgress& operator=(const TerminalProgress&) = delete;
  /// Clears the bar: what follows a run that failed must not begin behind it.
  ~TerminalProgress() override { clear_bar(); }

  void on_progress(const Progress& now) override;
  void on_epoch(const EpochMetrics& metrics) override;
  void on_warning(const std::string& sentence) override;

 private:
  using Clock = std::chrono::steady_clock;

  /// Seconds until the epoch in progress ends; negative where unknown.
  double epoch_seconds_left(const Progress& now, Clock::time_point time) const;
  /// The same for its phase, where it is known.
  double phase_seconds_left(const Progress& now, Clock::time_point time) const;
  /// Seconds until the run ends, `epoch_left` of them in this epoch; negative where unknown.
  double run_seconds_left(const Progress& now, double epoch_left) const;
  /// Seconds that an epoch after the warm-up takes, measured or estimated; negative where unknown.
  double main_epoch_seconds() const;
  bool is_warm_up(std::int64_t epoch) const;
  std::int64_t warm_up_epochs_after(std::int64_t epoch) const;
  std::string status(const Progress& now, Clock::time_point time) const;
  void clear_bar();

  const bool is_terminal_;
  const std::int64_t num_epochs_;
  const std::int64_t networks_;
  const std::vector<Stage> stages_;  ///< where the warm-ups are; none for a baseline
  const double main_epoch_cost_;     ///< of an epoch after the warm-up, in epochs of the warm-up
  std::map<bool, double> last_epoch_seconds_;  ///< by: is it warm-up?
  std::pair<std::string, int> phase_;          ///< its name and the network
  Clock::time_point phase_start_;
  std::int64_t phase_start_images_ = 0;
  Clock::time_point epoch_start_;
  Clock::time_point last_output_;
  bool bar_is_shown_ = false;
  std::string header_;  ///< of the table, as it was shown last
};

}  // namespace bptplr
