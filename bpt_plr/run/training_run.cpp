#include "bpt_plr/run/training_run.hpp"

#include <filesystem>
#include <utility>

#include "bpt_plr/recipe/builtin.hpp"
#include "bpt_plr/recipe/checks.hpp"
#include "bpt_plr/recipe/other_data.hpp"
#include "bpt_plr/recipe/resolve.hpp"
#include "bpt_plr/run/run_data.hpp"
#include "bpt_plr/train/checkpoint.hpp"
#include "bpt_plr/train/pretrained.hpp"
#include "engine/error.hpp"
#include "engine/io/open_file.hpp"
#include "engine/threads.hpp"

namespace bptplr {
namespace {

/// Returns runs/DATASET_METHOD_NOISE_seedN, with _2, _3, ... appended where that exists.
std::string default_out(const Recipe& recipe) {
  const std::string base = fmt::format("runs/{}_{}_{}_seed{}", recipe.dataset, recipe.method,
                                       noise_name(recipe), recipe.seed);
  std::string out = base;
  for (int i = 2; path_exists(out); ++i) out = fmt::format("{}_{}", base, i);
  return out;
}

}  // namespace

PlannedRun plan_run(Recipe recipe, bool resume) {
  PlannedRun run;
  run.changes = deviations(recipe);
  resolve(recipe);
  recipe.threads = use_threads(recipe.threads);
  if (recipe.out.empty()) recipe.out = default_out(recipe);
  run.resuming = resume && RunFolder::exists(recipe.out);
  if (run.resuming) {
    require_same_run(recipe, RunFolder::open(recipe.out).read_config(), recipe.out);
  } else {
    check_epochs(recipe);
    RunFolder::check_unused(recipe.out);
    check_pretrained(recipe);
  }
  run.recipe = std::move(recipe);
  return run;
}

TrainingData load_data(PlannedRun& run, const LoadReport& report) {
  TrainingData data = load_training_data(run.recipe, report);
  run.recipe.num_class = data.dataset.num_classes();
  const std::int64_t left_out = std::exchange(run.left_out_classes, 0);
  if (left_out != 0 && left_out != run.recipe.num_class && report.warning) {
    report.warning(other_classes("the recipe", left_out, run.recipe.dataset, run.recipe.num_class));
  }
  resolve(run.recipe);  // again, now that the number of classes is known
  return data;
}

TrainingRun::Recording::Recording(const Recipe& recipe, const RunFolder& folder,
                                  const StopCondition& stop_condition, TrainingObserver& receiver)
    : stop(stop_condition),
      observer(receiver),
      recorder(folder, recipe,
               [this](const std::string& sentence) { observer.on_warning(sentence); }) {}

void TrainingRun::Recording::on_epoch(const EpochMetrics& metrics) {
  recorder.record_epoch(metrics, *trainer);
  ++epochs;
  observer.on_epoch(metrics);
}

TrainingRun::TrainingRun(const PlannedRun& run, const TrainingData& data, const StopCondition& stop,
                         TrainingObserver& observer)
    : folder_(run.resuming ? RunFolder::resume(run.recipe.out) : RunFolder::create(run.recipe.out)),
      recording_(run.recipe, folder_, stop, observer),
      trainer_(run.recipe, data, recording_) {
  recording_.trainer = &trainer_;
  if (run.resuming) {
    require_recorded_data(folder_, data);
    go_on(run);
  }
  folder_.write_config(run.recipe);
  folder_.write_classes(data.dataset);
  folder_.write_data_record(record_data(data.dataset));
  folder_.write_noise(data.noisy_labels);
}

/// Restores the newest checkpoint; starts from the beginning if there is none.
void TrainingRun::go_on(const PlannedRun& run) {
  const auto found =
      folder_.checkpoints(run.recipe.keep_checkpoints).newest([&](const std::string& why) {
        recording_.on_warning(why);
      });
  const auto recorded = std::ssize(folder_.read_metrics());
  require(found || recorded <= 1,  // a first epoch may have been recorded without a checkpoint
          "{} has the results of {} epochs, but no checkpoint that can be read to go on from; keep "
          "them and choose another --out",
          run.recipe.out, recorded);
  Position position;
  if (found) {
    position = found->checkpoint.position;
    require(position.epoch <= run.recipe.num_epochs,
            "num_epochs is {}, but the run in {} has done {} epochs; choose that many or more",
            run.recipe.num_epochs, run.recipe.out, position.epoch);
    resumed_from_ = found->path.string();
    trainer_.restore(found->checkpoint, resumed_from_);
  }
  folder_.rewind(position.epoch);
}

bool TrainingRun::run() {
  bool finished = false;
  try {
    finished = trainer_.run();
  } catch (const NotFinite& error) {
    throw Error("{}; {}", error.what(), recording_.recorder.record_failure(trainer_));
  }
  if (finished) {
    recording_.recorder.finish(trainer_);
  } else {
    recording_.recorder.record_interruption(trainer_);
  }
  return finished;
}

}  // namespace bptplr
