// A run from its recipe to its folder, shown on the terminal while it trains: what `train` makes
// one of and `compare` several.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "apps/terminal/stop_signals.hpp"
#include "apps/terminal/training_progress.hpp"
#include "bpt_plr/recipe/recipe.hpp"
#include "bpt_plr/run/run_folder.hpp"
#include "bpt_plr/run/run_recorder.hpp"
#include "bpt_plr/train/trainer.hpp"
#include "bpt_plr/train/training_data.hpp"

namespace bptplr {

/// Exit code of training that stopped before its end and can go on.
inline constexpr int kStopped = 3;

/// The wish that training stops where it can go on later: a signal, or time that is up. There is
/// one at a time.
class StopWish {
 public:
  /// `max_hours` count from now; 0: no limit.
  explicit StopWish(double max_hours) : max_hours_(max_hours) {}

  bool is_there() const { return signal_.received() || time_is_up(); }
  /// Where it came from: "a signal", "--max_hours 2".
  std::string reason() const;

 private:
  bool time_is_up() const;

  StopSignal signal_;
  double max_hours_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// What is known of a run before its data are loaded.
struct PlannedRun {
  Recipe recipe;                     ///< resolved
  std::vector<std::string> changes;  ///< what the user's recipe changes of its preset
  bool resuming = false;             ///< whether its folder holds a part of it
};

/// Resolves the recipe, limits the CPU threads to its number, and names its folder where `out` is
/// empty. With `resume` a run in that folder goes on. Throws Error for a recipe that cannot be
/// trained, for a folder that holds a run of another recipe, and without `resume` for one that
/// holds any.
PlannedRun plan_run(Recipe recipe, bool resume);

/// What the run trains on, and completes its recipe with what only the data know. Shows how far the
/// reading is. Throws Error for anything missing or malformed.
TrainingData load_data(PlannedRun& run);

class TrainingRun {
 public:
  /// Makes the networks and the run's folder, or goes on from its newest checkpoint. `data` and
  /// `stop` must outlive this. Throws Error where another process trains there, nothing can be
  /// written, or recipe and data do not fit.
  TrainingRun(const PlannedRun& run, const TrainingData& data, const StopWish& stop);

  /// Trains to the end, and writes what there is after every epoch; false where it was to stop
  /// before, with a checkpoint. Throws Error for a loss that is not finite, and for what could not
  /// be written in the end.
  bool run();

  Trainer& trainer() { return trainer_; }
  /// Nothing where no epoch ended in `run`.
  const std::optional<EpochMetrics>& last() const { return observer_.last(); }

 private:
  /// Shows and records what the trainer reports.
  class Observer : public TrainingObserver {
   public:
    Observer(const Recipe& recipe, const RunFolder& folder, const StopWish& stop);

    /// Whose networks to write after each epoch.
    void watch(const Trainer& trainer) { trainer_ = &trainer; }
    RunRecorder& recorder() { return recorder_; }
    const std::optional<EpochMetrics>& last() const { return last_; }

    void on_progress(const Progress& progress) override { progress_.progress(progress); }
    void on_warning(const std::string& sentence) override { progress_.warning(sentence); }
    void on_epoch(const EpochMetrics& metrics) override;
    bool wants_stop() override { return stop_.is_there(); }

   private:
    TerminalProgress progress_;
    RunRecorder recorder_;
    const StopWish& stop_;
    const Trainer* trainer_ = nullptr;
    std::optional<EpochMetrics> last_;
  };

  /// Takes up the newest checkpoint; without one the run begins anew.
  void go_on(const PlannedRun& run);

  RunFolder folder_;
  Observer observer_;
  Trainer trainer_;
};

}  // namespace bptplr
