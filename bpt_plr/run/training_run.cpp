#include "bpt_plr/run/training_run.hpp"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "bpt_plr/recipe/builtin.hpp"
#include "bpt_plr/recipe/checks.hpp"
#include "bpt_plr/recipe/json.hpp"
#include "bpt_plr/recipe/other_data.hpp"
#include "bpt_plr/recipe/resolve.hpp"
#include "bpt_plr/run/run_data.hpp"
#include "bpt_plr/train/checkpoint.hpp"
#include "bpt_plr/train/pretrained.hpp"
#include "engine/communicator/placement.hpp"
#include "engine/error.hpp"
#include "engine/io/file.hpp"
#include "engine/io/json.hpp"
#include "engine/io/open_file.hpp"
#include "engine/threads.hpp"

namespace bptplr {

std::string default_run_folder(const Recipe& recipe) {
  const std::string base = fmt::format("runs/{}_{}_{}_seed{}", recipe.dataset, recipe.method,
                                       noise_name(recipe), recipe.seed);
  std::string out = base;
  for (int i = 2; path_exists(out); ++i) out = fmt::format("{}_{}", base, i);
  return out;
}

PlannedRun plan_run(Recipe recipe, bool resume) {
  PlannedRun run;
  run.changes = deviations(recipe);
  resolve(recipe);
  recipe.threads = use_threads(recipe.threads);
  if (recipe.out.empty()) recipe.out = default_run_folder(recipe);
  run.resuming = resume && RunFolder::exists(recipe.out);
  if (run.resuming) {
    const Recipe was = RunFolder::open(recipe.out).read_config();
    // What is left to the data is what they were then, until they are loaded.
    if (recipe.num_class == 0) recipe.num_class = was.num_class;
    if (recipe.feature_dim == 0) recipe.feature_dim = was.feature_dim;
    require_same_run(recipe, was, recipe.out);
  } else {
    check_epochs(recipe);
    RunFolder::check_unused(recipe.out);
    check_pretrained(recipe);
  }
  run.recipe = std::move(recipe);
  return run;
}

PlannedRun plan_run(const Recipe& recipe, bool resume, Communicator& group) {
  if (group.is_alone()) return plan_run(recipe, resume);
  take_gpu(group);
  const int threads = use_threads(group, recipe.threads);
  PlannedRun run;
  if (group.is_first()) run = plan_run(recipe, resume);
  nlohmann::json planned;
  if (group.is_first()) {
    planned = {{"recipe", to_json(run.recipe)},
               {"changes", run.changes},
               {"resuming", run.resuming},
               {"left_out_classes", run.left_out_classes}};
  }
  const std::string origin = "the plan of rank 0";
  planned = parse_json(group.broadcast(to_text(planned)), origin);
  run.recipe = compose_recipe(planned.at("recipe"), origin, nlohmann::json::object());
  run.recipe.threads = threads;
  run.changes = planned.at("changes").get<std::vector<std::string>>();
  run.resuming = planned.at("resuming");
  run.left_out_classes = planned.at("left_out_classes");
  return run;
}

TrainingData load_data(PlannedRun& run, const LoadReport& report) {
  TrainingData data = load_training_data(run.recipe, report);
  run.recipe.num_class = data.dataset.num_classes();
  run.recipe.feature_dim = data.dataset.train.vectors.dim;
  const std::int64_t left_out = std::exchange(run.left_out_classes, 0);
  if (left_out != 0 && left_out != run.recipe.num_class && report.warning) {
    report.warning(other_classes("the recipe", left_out, run.recipe.dataset, run.recipe.num_class));
  }
  resolve(run.recipe);  // again, now that the number of classes is known
  return data;
}

TrainingData load_data(PlannedRun& run, const LoadReport& report, Communicator& group) {
  const int own_turn = group.is_first() ? 0 : group.local_rank() == 0 ? 1 : 2;
  std::optional<TrainingData> data;
  constexpr int kTurns = 3;
  for (int turn = 0; turn < kTurns; ++turn) {
    if (turn == own_turn) data = load_data(run, report);
    group.barrier();
  }
  return std::move(*data);
}

TrainingRun::Recording::Recording(const Recipe& recipe, const std::optional<RunFolder>& folder,
                                  std::function<void()> describe,
                                  const StopCondition& stop_condition, TrainingObserver& receiver)
    : stop(stop_condition), observer(receiver) {
  if (!folder) return;
  recorder.emplace(*folder, recipe, std::move(describe),
                   [this](const std::string& sentence) { observer.on_warning(sentence); });
}

void TrainingRun::Recording::on_epoch(const EpochMetrics& metrics) {
  if (recorder) recorder->record_epoch(metrics, *trainer);
  ++epochs;
  observer.on_epoch(metrics);
}

namespace {

/// Opens or creates the folder, on the first rank.
std::optional<RunFolder> folder_of(const PlannedRun& run, const Communicator& group) {
  if (!group.is_first()) return std::nullopt;
  return run.resuming ? RunFolder::resume(run.recipe.out, run.lock)
                      : RunFolder::create(run.recipe.out, run.lock);
}

}  // namespace

TrainingRun::TrainingRun(const PlannedRun& run, const TrainingData& data, const StopCondition& stop,
                         TrainingObserver& observer, Communicator& group)
    : recipe_(run.recipe),
      data_(data),
      group_(group),
      folder_(folder_of(run, group)),
      recording_(
          run.recipe, folder_, [this] { describe(); }, stop, observer),
      trainer_(run.recipe, data, recording_, group) {
  recording_.trainer = &trainer_;
  if (run.resuming) {
    if (folder_) require_recorded_data(*folder_, data);
    go_on(run);
  }
  if (folder_) describe();
}

/// Writes what the run is; config.json, which makes a folder a run, comes last.
void TrainingRun::describe() const {
  make_folders(folder_->path());
  folder_->write_classes(data_.dataset);
  folder_->write_data_record(record_data(data_.dataset));
  folder_->write_noise(data_.noisy_labels);
  folder_->write_config(recipe_);
}

/// Restores the newest checkpoint; starts from the beginning if there is none.
void TrainingRun::go_on(const PlannedRun& run) {
  std::optional<Checkpoint> found;
  if (folder_) found = find_checkpoint(run);
  // What the first rank has found: nothing, a complete run, or a checkpoint and its path.
  const std::string how = !folder_ ? "" : is_done_ ? "done" : found ? resumed_from_ : "";
  const std::string heard = group_.broadcast(how);
  is_done_ = heard == "done";
  if (is_done_ || heard.empty()) return;
  resumed_from_ = heard;
  Checkpoint checkpoint = found ? std::move(*found) : Checkpoint();
  broadcast_checkpoint(group_, checkpoint);
  trainer_.restore(checkpoint, resumed_from_);
  if (folder_) take_up_logs(run, checkpoint);
}

/// Returns the newest checkpoint of the folder; without one, begins the run again.
std::optional<Checkpoint> TrainingRun::find_checkpoint(const PlannedRun& run) {
  auto found =
      folder_->checkpoints(run.recipe.keep_checkpoints).newest([&](const std::string& why) {
        recording_.on_warning(why);
      });
  if (!found) {
    begin_again(std::ssize(folder_->read_metrics()));
    return std::nullopt;
  }
  const Position position = found->checkpoint.position;
  require(position.epoch <= run.recipe.num_epochs,
          "num_epochs is {}, but the run in {} has done {} epochs; choose that many or more",
          run.recipe.num_epochs, run.recipe.out, position.epoch);
  resumed_from_ = found->path.string();
  return std::move(found->checkpoint);
}

/// Cuts the logs off where the checkpoint goes on.
void TrainingRun::take_up_logs(const PlannedRun& run, const Checkpoint& checkpoint) {
  const Position position = checkpoint.position;
  folder_->rewind(position.epoch);
  recording_.recorder->resume(checkpoint);
  const auto recorded = std::ssize(folder_->read_metrics());
  if (recorded >= position.epoch) return;
  recording_.on_warning(
      fmt::format("metrics.jsonl of {} has {} of the {} epochs done; the others' figures are "
                  "lost, which does not change what is trained",
                  run.recipe.out, recorded, position.epoch));
}

/// Starts a run without a readable checkpoint from the beginning, which gives the same results, and
/// keeps what it had written.
void TrainingRun::begin_again(std::int64_t recorded) {
  if (recorded == recipe_.num_epochs && folder_->models_epochs() == recipe_.num_epochs) {
    is_done_ = true;  // only the checkpoint could not be written
    resumed_from_ = (folder_->path() / "model1.safetensors").string();
    return;
  }
  if (recorded > 1) {  // a first epoch is often recorded without a checkpoint
    recording_.on_warning(
        fmt::format("{} has the results of {} epochs, but no checkpoint that can be read to go on "
                    "from, so it begins again; what it had is in {}",
                    recipe_.out, recorded, folder_->set_aside().string()));
  }
  folder_->rewind(0);
  recording_.recorder->begin();
}

bool TrainingRun::run() {
  if (is_done_) return true;
  const bool finished = train();
  group_.barrier();  // what the first rank has written is there when any rank goes on
  return finished;
}

bool TrainingRun::train() {
  bool finished = false;
  try {
    finished = trainer_.run();
  } catch (const NotFinite& error) {
    if (!folder_) throw;
    throw Error("{}; {}", error.what(), recording_.recorder->record_failure(trainer_));
  }
  if (!folder_) return finished;
  if (finished) {
    recording_.recorder->finish(trainer_);
  } else {
    recording_.recorder->record_interruption(trainer_);
  }
  return finished;
}

}  // namespace bptplr
