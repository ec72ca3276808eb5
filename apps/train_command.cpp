// `bptplr train`: a run from its recipe to its folder.
#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <ratio>
#include <string>
#include <vector>

#include "apps/commands.hpp"
#include "apps/load_progress.hpp"
#include "apps/noise_table.hpp"
#include "apps/recipe_flags.hpp"
#include "apps/stop_signals.hpp"
#include "apps/terminal_progress.hpp"
#include "bpt_plr/epoch.hpp"
#include "bpt_plr/pretrained.hpp"
#include "bpt_plr/run_folder.hpp"
#include "bpt_plr/run_recorder.hpp"
#include "bpt_plr/trainer.hpp"
#include "bpt_plr/training_data.hpp"
#include "data/noise.hpp"

namespace bptplr {
namespace {

/// Exit code of a run that stopped before its end and can go on.
constexpr int kStopped = 3;

/// Shows and records what the trainer reports, and stops it on a signal or when time is up.
class RunObserver : public TrainingObserver {
 public:
  RunObserver(const Recipe& recipe, const RunFolder& folder)
      : progress_(recipe),
        recorder_(folder, recipe,
                  [this](const std::string& sentence) { progress_.warning(sentence); }),
        max_hours_(recipe.max_hours) {}

  /// Whose networks to write after each epoch.
  void watch(const Trainer& trainer) { trainer_ = &trainer; }
  RunRecorder& recorder() { return recorder_; }
  /// Nothing where no epoch ended.
  const std::optional<EpochMetrics>& last() const { return last_; }

  void on_progress(const Progress& progress) override { progress_.progress(progress); }
  void on_warning(const std::string& sentence) override { progress_.warning(sentence); }
  void on_epoch(const EpochMetrics& metrics) override {
    recorder_.record_epoch(metrics, *trainer_);
    progress_.epoch(metrics);
    last_ = metrics;
  }
  bool wants_stop() override { return stop_signal_.received() || time_is_up(); }
  /// Why it did.
  std::string why_stopped() const {
    return stop_signal_.received() ? "a signal" : fmt::format("--max_hours {}", max_hours_);
  }

 private:
  bool time_is_up() const {
    const std::chrono::duration<double, std::ratio<3600>> hours =
        std::chrono::steady_clock::now() - start_;
    return max_hours_ > 0.0 && hours.count() >= max_hours_;
  }

  TerminalProgress progress_;
  RunRecorder recorder_;
  StopSignal stop_signal_;
  double max_hours_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  const Trainer* trainer_ = nullptr;
  std::optional<EpochMetrics> last_;
};

std::string noise_name(const Recipe& recipe) {
  if (!recipe.noise_file.empty()) return "file";
  if (recipe.noise_mode == "none") return "none";
  if (recipe.noise_mode == "human") {
    return recipe.dataset == "cifar100" ? "human" : "human_" + recipe.human_set;
  }
  return fmt::format("{}{:g}", recipe.noise_mode, 100.0 * recipe.r);
}

/// runs/DATASET_METHOD_NOISE_seedN, with _2, _3, ... where that exists.
std::string default_out(const Recipe& recipe) {
  const std::string base = fmt::format("runs/{}_{}_{}_seed{}", recipe.dataset, recipe.method,
                                       noise_name(recipe), recipe.seed);
  std::string out = base;
  for (int i = 2; std::filesystem::exists(out); ++i) out = fmt::format("{}_{}", base, i);
  return out;
}

std::int64_t count_parameters(const Network& network) {
  std::int64_t count = 0;
  for (const Tensor& parameter : network.named().parameters()) count += parameter.numel();
  return count;
}

void print_pretrained(const std::string& file, const NamedTensors::Match& match) {
  const auto& other = match.other_shape;
  fmt::print("weights   {}: {} of {} tensors taken{}\n", file, match.taken, match.tensors,
             other.empty() ? "" : fmt::format(", of another shape: {}", fmt::join(other, ", ")));
}

/// `changes`: what the user's recipe changes of its preset.
void print_summary(const Recipe& recipe, const std::vector<std::string>& changes,
                   const TrainingData& data, Trainer& trainer) {
  const Images& train = data.dataset.train.images;
  fmt::print("data      {}: {} training and {} test images of {} x {}, {} classes\n",
             data.dataset.name, train.count, data.dataset.test.images.count, train.height,
             train.width, data.dataset.num_classes());
  const double wrong = noise_rate(data.noisy_labels, data.true_labels);
  fmt::print("labels    {}: {}\n",
             recipe.noise_file.empty() ? noise_name(recipe) : recipe.noise_file,
             std::isnan(wrong) ? "how many are wrong is not known"
                               : fmt::format("{:.2f} % are wrong", 100.0 * wrong));
  fmt::print("{}", noise_table(data));
  fmt::print("network   {}, width {}{}: {} parameters{}\n", recipe.arch, recipe.width,
             recipe.blocks.empty() ? "" : ", blocks " + recipe.blocks,
             count_parameters(trainer.network(0)), trainer.num_networks() > 1 ? ", twice" : "");
  if (trainer.pretrained()) print_pretrained(recipe.pretrained, *trainer.pretrained());
  fmt::print("method    {}, preset {}: {} epochs, {} of them warm-up, batch {}\n", recipe.method,
             recipe.preset, recipe.num_epochs, divides(recipe) ? recipe.warm_up : 0,
             recipe.batch_size);
  fmt::print("device    {}, {} threads\n", recipe.device, recipe.threads);
  fmt::print("changed   {}\n",
             changes.empty() ? "nothing" : fmt::format("{}", fmt::join(changes, " ")));
  fmt::print("out       {}\n\n", recipe.out);
  std::fflush(stdout);
}

/// The mean AUC of the networks.
double mean_auc(const EpochMetrics& metrics) {
  double sum = 0.0;
  for (const NetworkMetrics& network : metrics.networks) sum += network.selection.auc;
  return sum / static_cast<double>(metrics.networks.size());
}

/// For people, then one line of names and values for scripts.
void print_results(const Recipe& recipe, const EpochMetrics& last) {
  fmt::print("\ntest accuracy: best {:.2f} %, last {:.2f} %, mean of the last 10 epochs {:.2f} %\n",
             last.best_acc, last.test_acc, last.mean_last10);
  std::string selection;
  if (last.wrong_labels) {
    const WrongLabels& labels = *last.wrong_labels;
    fmt::print("wrong labels: {} of {} found among {} flagged, AUC {:.4f}\n", labels.found,
               labels.wrong, labels.flagged, mean_auc(last));
    selection = fmt::format(" auc {:.4f} wrong {} flagged {} found {}", mean_auc(last),
                            labels.wrong, labels.flagged, labels.found);
  }
  fmt::print("results: config.json, noise.json, metrics.jsonl, models and checkpoints in {}\n",
             recipe.out);
  fmt::print("best_acc {:.2f} mean_last10 {:.2f} last_acc {:.2f}{} out {}\n", last.best_acc,
             last.mean_last10, last.test_acc, selection, recipe.out);
}

TrainingData load_data(const Recipe& recipe) {
  LoadProgress loading;
  return load_training_data(recipe, loading.report());
}

/// Takes up the newest checkpoint of `folder`; without one the run begins anew.
void go_on(const RunFolder& folder, const Recipe& recipe, Trainer& trainer, RunObserver& observer) {
  const auto found =
      folder.checkpoints(recipe.keep_checkpoints).newest([&](const std::string& why) {
        observer.on_warning(why);
      });
  if (found) trainer.restore(found->checkpoint, found->path.string());
  const Position position = found ? found->checkpoint.position : Position{};
  folder.rewind(position.epoch);
  fmt::print("resume    {}\n", found ? found->path.string() : "no checkpoint yet: from the start");
}

/// Trains to the end, to a stop, or to a loss that is not finite, and writes what there is.
int run_and_record(const Recipe& recipe, Trainer& trainer, RunObserver& observer) {
  bool finished = false;
  try {
    finished = trainer.run();
  } catch (const NotFinite& error) {
    throw Error("{}; {}", error.what(), observer.recorder().record_failure(trainer));
  }
  if (!finished) {
    observer.recorder().record_interruption(trainer);
    fmt::print("\nstopped by {}; the same command with --resume --out {} goes on from here\n",
               observer.why_stopped(), recipe.out);
    return kStopped;
  }
  observer.recorder().finish(trainer);
  if (observer.last()) {
    print_results(recipe, *observer.last());
  } else {
    fmt::print("nothing is left to train: all {} epochs are done\n", recipe.num_epochs);
  }
  return 0;
}

int train(Recipe recipe, bool resuming) {
  const std::vector<std::string> changes = deviations(recipe);
  resolve(recipe);
  recipe.threads = use_threads(recipe.threads);
  if (recipe.out.empty()) recipe.out = default_out(recipe);
  resuming = resuming && RunFolder::exists(recipe.out);
  if (resuming) {
    require_same_run(recipe, RunFolder::open(recipe.out).read_config(), recipe.out);
  } else {
    RunFolder::check_unused(recipe.out);
    check_pretrained(recipe);
  }
  const TrainingData data = load_data(recipe);
  recipe.num_class = data.dataset.num_classes();
  resolve(recipe);  // once more, with what depends on the number of classes
  const RunFolder folder = resuming ? RunFolder::resume(recipe.out) : RunFolder::create(recipe.out);
  RunObserver observer(recipe, folder);
  Trainer trainer(recipe, data, observer);
  observer.watch(trainer);
  if (resuming) go_on(folder, recipe, trainer, observer);
  folder.write_config(recipe);
  folder.write_classes(data.dataset);
  folder.write_noise(data.noisy_labels);
  print_summary(recipe, changes, data, trainer);
  return run_and_record(recipe, trainer, observer);
}

}  // namespace

void add_train_command(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("train", "Train, and write the results to a folder.");
  command->get_formatter()->column_width(36);
  const auto flags = std::make_shared<RecipeFlags>();
  flags->add_to(*command);
  command->footer(
      "A flag beats the recipe, the recipe beats the preset, the preset beats the defaults shown "
      "here.");
  command->callback(
      [&action, flags] { action = [flags] { return train(flags->recipe(), flags->resume()); }; });
}

}  // namespace bptplr
