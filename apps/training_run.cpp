#include "apps/training_run.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <ratio>

#include "apps/commands.hpp"
#include "apps/terminal/load_progress.hpp"
#include "bpt_plr/recipe/builtin.hpp"
#include "bpt_plr/recipe/resolve.hpp"
#include "bpt_plr/train/checkpoint.hpp"
#include "bpt_plr/train/epoch.hpp"
#include "bpt_plr/train/pretrained.hpp"
#include "engine/error.hpp"

namespace bptplr {
namespace {

/// runs/DATASET_METHOD_NOISE_seedN, with _2, _3, ... where that exists.
std::string default_out(const Recipe& recipe) {
  const std::string base = fmt::format("runs/{}_{}_{}_seed{}", recipe.dataset, recipe.method,
                                       noise_name(recipe), recipe.seed);
  std::string out = base;
  for (int i = 2; std::filesystem::exists(out); ++i) out = fmt::format("{}_{}", base, i);
  return out;
}

}  // namespace

std::string StopWish::reason() const {
  return signal_.received() ? "a signal" : fmt::format("--max_hours {}", max_hours_);
}

bool StopWish::time_is_up() const {
  const std::chrono::duration<double, std::ratio<3600>> hours =
      std::chrono::steady_clock::now() - start_;
  return max_hours_ > 0.0 && hours.count() >= max_hours_;
}

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
    RunFolder::check_unused(recipe.out);
    check_pretrained(recipe);
  }
  run.recipe = std::move(recipe);
  return run;
}

TrainingData load_data(PlannedRun& run) {
  LoadProgress loading;
  TrainingData data = load_training_data(run.recipe, loading.report());
  run.recipe.num_class = data.dataset.num_classes();
  resolve(run.recipe);  // once more, with what depends on the number of classes
  return data;
}

TrainingRun::Observer::Observer(const Recipe& recipe, const RunFolder& folder, const StopWish& stop)
    : progress_(recipe),
      recorder_(folder, recipe,
                [this](const std::string& sentence) { progress_.warning(sentence); }),
      stop_(stop) {}

void TrainingRun::Observer::on_epoch(const EpochMetrics& metrics) {
  recorder_.record_epoch(metrics, *trainer_);
  progress_.epoch(metrics);
  last_ = metrics;
}

TrainingRun::TrainingRun(const PlannedRun& run, const TrainingData& data, const StopWish& stop)
    : folder_(run.resuming ? RunFolder::resume(run.recipe.out) : RunFolder::create(run.recipe.out)),
      observer_(run.recipe, folder_, stop),
      trainer_(run.recipe, data, observer_) {
  observer_.watch(trainer_);
  if (run.resuming) go_on(run);
  folder_.write_config(run.recipe);
  folder_.write_classes(data.dataset);
  folder_.write_noise(data.noisy_labels);
}

void TrainingRun::go_on(const PlannedRun& run) {
  const auto found =
      folder_.checkpoints(run.recipe.keep_checkpoints).newest([&](const std::string& why) {
        observer_.on_warning(why);
      });
  const auto recorded = std::ssize(folder_.read_metrics());
  require(found || recorded <= 1,  // a first epoch may have ended before its checkpoint was written
          "{} has the results of {} epochs, but no checkpoint that can be read to go on from; keep "
          "them and choose another --out",
          run.recipe.out, recorded);
  if (found) {
    require(found->checkpoint.position.epoch <= run.recipe.num_epochs,
            "num_epochs is {}, but the run in {} has done {} epochs; choose that many or more",
            run.recipe.num_epochs, run.recipe.out, found->checkpoint.position.epoch);
    trainer_.restore(found->checkpoint, found->path.string());
  }
  const Position position = found ? found->checkpoint.position : Position{};
  folder_.rewind(position.epoch);
  fmt::print("resume    {}\n", found ? found->path.string() : "no checkpoint yet: from the start");
}

bool TrainingRun::run() {
  bool finished = false;
  try {
    finished = trainer_.run();
  } catch (const NotFinite& error) {
    throw Error("{}; {}", error.what(), observer_.recorder().record_failure(trainer_));
  }
  if (finished) {
    observer_.recorder().finish(trainer_);
  } else {
    observer_.recorder().record_interruption(trainer_);
  }
  return finished;
}

}  // namespace bptplr
