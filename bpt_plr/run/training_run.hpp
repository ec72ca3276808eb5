// Trains a whole run, from recipe to folder: one for `bptplr train`, several for `bptplr compare`.
//
//   PlannedRun run = plan_run(recipe, resume);
//   const TrainingData data = load_data(run);
//   TrainingRun training(run, data, stop, observer);
//   const bool finished = training.run();
#pragma once

#include <cstdint>
#include <functional>
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

/// Error sentence for lack of memory.
inline constexpr const char* kOutOfMemory =
    "there is not enough memory; use a smaller --batch_size, --width or --subset";

/// Run whose data are not loaded yet.
struct PlannedRun {
  Recipe recipe;                      ///< resolved
  std::vector<std::string> changes;   ///< fields of the preset that the user's recipe changes
  bool resuming = false;              ///< whether the folder holds a part of this run
  std::int64_t left_out_classes = 0;  ///< num_class of a recipe that yields to the data; 0: none
  RunLock lock;  ///< of the folder, where this process has it already; else the training takes it
};

/// Resolves the recipe, limits CPU threads to its number, and chooses a folder if `out` is empty.
/// With `resume`, continues a run in that folder. Throws Error for a recipe that cannot be trained,
/// a folder with a run of another recipe, and without `resume` a folder with any run.
PlannedRun plan_run(Recipe recipe, bool resume);

/// Returns the run that rank 0 plans, on every rank of a group, which takes its share of its host's
/// processors, or its GPU.
PlannedRun plan_run(const Recipe& recipe, bool resume, Communicator& group);

/// Returns runs/DATASET_METHOD_NOISE_seedN, with _2, _3, ... appended where that exists.
std::string default_run_folder(const Recipe& recipe);

/// Loads the training data and sets the recipe fields that depend on them; warns of a num_class
/// that yields. Throws Error for anything missing or malformed.
TrainingData load_data(PlannedRun& run, const LoadReport& report = {});

/// Loads the training data on all ranks, those of a host after its first one, and all after rank 0:
/// a cache of images is made by one and mapped by the others.
TrainingData load_data(PlannedRun& run, const LoadReport& report, Communicator& group);

/// Trainer of a run, bound to its folder.
class TrainingRun {
 public:
  /// Creates folder and trainer, or resumes from the newest checkpoint. Of several ranks only the
  /// first has the folder. `data`, `stop`, `observer`, which receives events, and `group` must
  /// outlive this. Throws Error where another process
  /// trains there, nothing can be written, or recipe and data do not fit.
  TrainingRun(const PlannedRun& run, const TrainingData& data, const StopCondition& stop,
              TrainingObserver& observer, Communicator& group = Communicator::alone());

  /// Trains to the end, writing all results after every epoch. Returns false if it was stopped
  /// earlier, with a checkpoint written. Throws Error for a loss that is not finite, and at the end
  /// for results that could not be written.
  TrainingRun(const TrainingRun&) = delete;  // its parts refer to one another
  TrainingRun& operator=(const TrainingRun&) = delete;

  bool run();

  Trainer& trainer() { return trainer_; }
  /// Returns the checkpoint that the run resumed from; empty if there was none.
  const std::string& resumed_from() const { return resumed_from_; }
  /// Returns the number of epochs completed by `run`.
  std::int64_t epochs() const { return recording_.epochs; }

 private:
  /// Records each epoch, then notifies the observer.
  struct Recording : public TrainingObserver {
    Recording(const Recipe& recipe, const std::optional<RunFolder>& folder,
              std::function<void()> describe, const StopCondition& stop_condition,
              TrainingObserver& receiver);

    void on_progress(const Progress& progress) override { observer.on_progress(progress); }
    void on_warning(const std::string& sentence) override { observer.on_warning(sentence); }
    void on_epoch(const EpochMetrics& metrics) override;
    bool wants_stop() override { return stop.is_met() || observer.wants_stop(); }

    const StopCondition& stop;
    TrainingObserver& observer;
    std::optional<RunRecorder> recorder;  ///< of the first rank
    const Trainer* trainer = nullptr;     ///< trainer whose state is recorded
    std::int64_t epochs = 0;
  };

  bool train();
  void describe() const;
  void go_on(const PlannedRun& run);
  std::optional<Checkpoint> find_checkpoint(const PlannedRun& run);
  void take_up_logs(const PlannedRun& run, const Checkpoint& checkpoint);
  void begin_again(std::int64_t recorded);

  const Recipe recipe_;
  const TrainingData& data_;
  Communicator& group_;
  std::optional<RunFolder> folder_;  ///< of the first rank
  Recording recording_;
  Trainer trainer_;
  std::string resumed_from_;
  bool is_done_ = false;  ///< all epochs are, though no checkpoint says so
};

}  // namespace bptplr
