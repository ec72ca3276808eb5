// A whole run, from a recipe to its folder: what `bptplr train` makes one of and `bptplr compare`
// several.
//
//   PlannedRun run = plan_run(recipe, resume);
//   const TrainingData data = load_data(run);
//   TrainingRun training(run, data, stop, observer);
//   const bool finished = training.run();
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bpt_plr/recipe/recipe.hpp"
#include "bpt_plr/run/run_folder.hpp"
#include "bpt_plr/run/run_recorder.hpp"
#include "bpt_plr/run/stop_condition.hpp"
#include "bpt_plr/train/trainer.hpp"
#include "bpt_plr/train/training_data.hpp"

namespace bptplr {

/// A run before its data are loaded.
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

/// Loads what the run trains on, and completes its recipe with what only the data know. Throws
/// Error for anything missing or malformed.
TrainingData load_data(PlannedRun& run, const LoadReport& report = {});

/// The networks of a run and its folder.
class TrainingRun {
 public:
  /// Makes both, or goes on from the newest checkpoint. `data`, `stop` and `observer`, which is
  /// told what happens, must outlive this. Throws Error where another process trains there, nothing
  /// can be written, or recipe and data do not fit.
  TrainingRun(const PlannedRun& run, const TrainingData& data, const StopCondition& stop,
              TrainingObserver& observer);

  /// Trains to the end, and writes all results after every epoch. Returns false where it stopped
  /// before, with a checkpoint. Throws Error for a loss that is not finite, and for what could not
  /// be written in the end.
  bool run();

  Trainer& trainer() { return trainer_; }
  /// The checkpoint that a resumed run goes on from; empty where there was none yet.
  const std::string& resumed_from() const { return resumed_from_; }
  /// Epochs that ended in `run`.
  std::int64_t epochs() const { return recording_.epochs; }

 private:
  /// Records each epoch, then tells the observer.
  struct Recording : public TrainingObserver {
    Recording(const Recipe& recipe, const RunFolder& folder, const StopCondition& stop_condition,
              TrainingObserver& receiver);

    void on_progress(const Progress& progress) override { observer.on_progress(progress); }
    void on_warning(const std::string& sentence) override { observer.on_warning(sentence); }
    void on_epoch(const EpochMetrics& metrics) override;
    bool wants_stop() override { return stop.is_met() || observer.wants_stop(); }

    const StopCondition& stop;
    TrainingObserver& observer;
    RunRecorder recorder;
    const Trainer* trainer = nullptr;  ///< whose state is written
    std::int64_t epochs = 0;
  };

  void go_on(const PlannedRun& run);

  RunFolder folder_;
  Recording recording_;
  Trainer trainer_;
  std::string resumed_from_;
};

}  // namespace bptplr
