// `bptplr train`: trains a run, from its recipe to its folder.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "apps/commands.hpp"
#include "apps/recipe_flags.hpp"
#include "apps/terminal/load_progress.hpp"
#include "apps/terminal/noise_table.hpp"
#include "apps/terminal/stop_signals.hpp"
#include "apps/terminal/training_progress.hpp"
#include "bpt_plr/recipe/needs.hpp"
#include "bpt_plr/recipe/stages.hpp"
#include "bpt_plr/results/compare/comparison.hpp"
#include "bpt_plr/run/run_folder.hpp"
#include "bpt_plr/run/training_run.hpp"
#include "data/class_names.hpp"
#include "data/noise/noise.hpp"

namespace bptplr {
namespace {

std::int64_t count_parameters(const Network& network) {
  std::int64_t count = 0;
  for (const Tensor& parameter : network.named().parameters()) count += parameter.numel();
  return count;
}

void print_pretrained(const std::string& file, const PretrainedReport& report) {
  const NamedTensors::Match& match = report.match;
  const auto& other = match.other_shape;
  fmt::print("weights   {}: {} of {} tensors taken{}{}\n", file, match.taken, match.tensors,
             report.prefix.empty() ? "" : fmt::format(", prefix '{}' dropped", report.prefix),
             other.empty() ? "" : fmt::format(", of another shape: {}", fmt::join(other, ", ")));
  if (!report.is_poor()) return;
  fmt::print(stderr,
             "bptplr: warning: {}: few of the network's tensors were taken, {} of {}; not used of "
             "the file: {}; not in the file: {}; check --arch, --width and --blocks\n",
             file, match.taken, match.tensors, first_names(report.unused),
             first_names(report.missing));
}

/// Prints the run; `changes` are the fields of the preset that the user's recipe changes.
void print_summary(const Recipe& recipe, const std::vector<std::string>& changes,
                   const TrainingData& data, Trainer& trainer) {
  const Images& train = data.dataset.train.images;
  fmt::print("data      {}: {} training and {} test images of {} x {}, {} classes\n",
             data.dataset.name, train.count, data.dataset.test.images.count, train.height,
             train.width, data.dataset.num_classes());
  constexpr std::size_t kShown = 12;
  fmt::print("classes   {}\n", numbered_names(data.dataset.class_names, kShown));
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
             recipe.preset, recipe.num_epochs, warm_up_epochs(stages_of(recipe)),
             recipe.batch_size);
  fmt::print("device    {}, {} threads\n", recipe.device, recipe.threads);
  fmt::print("changed   {}\n",
             changes.empty() ? "nothing" : fmt::format("{}", fmt::join(changes, " ")));
  fmt::print("out       {}\n\n", recipe.out);
  std::fflush(stdout);
}

/// Prints the results for people, then a line of names and values for scripts.
void print_results(const Recipe& recipe, const ComparedRun& results) {
  fmt::print("\ntest accuracy: best {:.2f} %, last {:.2f} %, mean of the last 10 epochs {:.2f} %\n",
             results.best_acc, results.last_acc, results.mean_last10);
  std::string selection;
  if (results.wrong_labels) {
    const WrongLabels& labels = *results.wrong_labels;
    fmt::print("wrong labels: {} of {} found among {} flagged, AUC {:.4f}\n", labels.found,
               labels.wrong, labels.flagged, results.auc);
    selection = fmt::format(" auc {:.4f} wrong {} flagged {} found {}", results.auc, labels.wrong,
                            labels.flagged, labels.found);
  }
  fmt::print("results: config.json, noise.json, metrics.jsonl, models and checkpoints in {}\n",
             recipe.out);
  fmt::print("best_acc {:.2f} mean_last10 {:.2f} last_acc {:.2f}{} out {}\n", results.best_acc,
             results.mean_last10, results.last_acc, selection, recipe.out);
}

int train(const RecipeFlags& flags) {
  LeftOut left_out;
  const Recipe recipe = flags.recipe(left_out);
  print_warnings(left_out.sentences);
  PlannedRun run = plan_run(recipe, flags.resume());
  run.left_out_classes = left_out.num_class;
  print_warnings(unread_warnings(std::span(&run.recipe, 1), flags.given()));
  const TrainingData data = [&] {
    LoadProgress loading;
    return load_data(run, loading.report());
  }();
  const StopSignal signal;
  const StopCondition stop(run.recipe.max_hours, [&] { return signal.received(); });
  TerminalProgress progress(run.recipe);
  TrainingRun training(run, data, stop, progress);
  if (run.resuming) print_resumed(training);
  print_summary(run.recipe, run.changes, data, training.trainer());
  if (!training.run()) {
    fmt::print("\nstopped by {}; the same command with --resume --out {} goes on from here\n",
               stop.reason(), run.recipe.out);
    return kStopped;
  }
  if (training.epochs() == 0) {
    fmt::print("nothing is left to train: all {} epochs are done\n", run.recipe.num_epochs);
  }
  ComparedRun results;
  results.recipe = run.recipe;
  take_results(results, RunFolder::open(run.recipe.out).read_metrics());
  print_results(run.recipe, results);
  return 0;
}

}  // namespace

void add_train_command(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("train", "Train, and write the results to a folder.");
  command->get_formatter()->column_width(36);
  const auto flags = std::make_shared<RecipeFlags>();
  flags->add_to(*command);
  command->footer(
      "A flag beats the recipe, the recipe beats the preset, the preset beats the method, and the "
      "method beats the defaults shown here. Noise and num_class of a recipe for other data do not "
      "count; a flag that the method never reads is warned of.");
  command->callback([&action, flags] { action = [flags] { return train(*flags); }; });
}

}  // namespace bptplr
