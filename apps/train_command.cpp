// `bptplr train`: trains a run, from its recipe to its folder.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <exception>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "apps/build_info.hpp"
#include "apps/commands.hpp"
#include "apps/recipe_flags.hpp"
#include "apps/terminal/load_progress.hpp"
#include "apps/terminal/noise_table.hpp"
#include "apps/terminal/stop_signals.hpp"
#include "apps/terminal/terminal.hpp"
#include "apps/terminal/training_events.hpp"
#include "apps/terminal/training_progress.hpp"
#include "bpt_plr/recipe/needs.hpp"
#include "bpt_plr/recipe/stages.hpp"
#include "bpt_plr/results/compare/comparison.hpp"
#include "bpt_plr/run/run_folder.hpp"
#include "bpt_plr/run/training_run.hpp"
#include "data/class_names.hpp"
#include "data/noise/noise.hpp"
#include "engine/communicator/launch.hpp"
#include "engine/communicator/placement.hpp"

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
  say_field(
      "weights",
      fmt::format(
          "{}: {} of {} tensors taken{}{}", file, match.taken, match.tensors,
          report.prefix.empty() ? "" : fmt::format(", prefix '{}' dropped", report.prefix),
          other.empty() ? "" : fmt::format(", of another shape: {}", fmt::join(other, ", "))));
  if (!report.is_poor()) return;
  print_warning(fmt::format(
      "{}: few of the network's tensors were taken, {} of {}; not used of "
      "the file: {}; not in the file: {}; check --arch, --width and --blocks",
      file, match.taken, match.tensors, first_names(report.unused), first_names(report.missing)));
}

/// Prints the run; its `changes` are the fields of the preset that the user's recipe changes.
void print_summary(const PlannedRun& run, const TrainingData& data, Trainer& trainer,
                   Communicator& group) {
  const Recipe& recipe = run.recipe;
  const Split& train = data.dataset.train;
  const std::string kind =
      train.has_vectors()
          ? fmt::format("vectors of {} values", train.vectors.dim)
          : fmt::format("images of {} x {}", train.images.height, train.images.width);
  say_field("data",
            fmt::format("{}: {} training and {} test {}, {} classes", data.dataset.name,
                        train.size(), data.dataset.test.size(), kind, data.dataset.num_classes()));
  constexpr std::size_t kShown = 12;
  say_field("classes", numbered_names(data.dataset.class_names, kShown));
  const double wrong = noise_rate(data.noisy_labels, data.true_labels);
  say_field(
      "labels",
      fmt::format("{}: {}", recipe.noise_file.empty() ? noise_name(recipe) : recipe.noise_file,
                  std::isnan(wrong) ? "how many are wrong is not known"
                                    : fmt::format("{:.2f} % are wrong", 100.0 * wrong)));
  say(noise_table(data, line_columns(STDOUT_FILENO)));
  say_field("network", fmt::format("{}, width {}{}: {} parameters{}", recipe.arch, recipe.width,
                                   recipe.blocks.empty() ? "" : ", blocks " + recipe.blocks,
                                   count_parameters(trainer.network(0)),
                                   trainer.num_networks() > 1 ? ", twice" : ""));
  if (trainer.pretrained()) print_pretrained(recipe.pretrained, *trainer.pretrained());
  say_field("method", fmt::format("{}, preset {}: {} epochs, {} of them warm-up, batch {}",
                                  recipe.method, recipe.preset, recipe.num_epochs,
                                  warm_up_epochs(stages_of(recipe)), recipe.batch_size));
  const std::string ranks = group.is_alone() ? "" : fmt::format("{} ranks, each ", group.size());
  say_field("device", fmt::format("{}{}, {} threads", ranks, recipe.device, recipe.threads));
  if (const std::string unused = unused_processors(group); !unused.empty()) print_warning(unused);
  say_field("changed",
            run.changes.empty() ? "nothing" : fmt::format("{}", fmt::join(run.changes, " ")));
  say_field("out", recipe.out);
  say("\n");
  std::fflush(stdout);
}

/// Prints the results for people, then a line of names and values for scripts.
void print_results(const Recipe& recipe, const ComparedRun& results) {
  say("\n");
  const bool is_tested = !std::isnan(results.last_acc);
  say_sentence(is_tested
                   ? fmt::format("test accuracy: best {:.2f} %, last {:.2f} %, mean of the last 10 "
                                 "epochs {:.2f} %",
                                 results.best_acc, results.last_acc, results.mean_last10)
                   : "test accuracy: not known, as there are no test samples");
  std::string selection;
  if (results.wrong_labels) {
    const WrongLabels& labels = *results.wrong_labels;
    say_sentence(fmt::format("wrong labels: {} of {} found among {} flagged, AUC {:.4f}",
                             labels.found, labels.wrong, labels.flagged, results.auc));
    selection = fmt::format(" auc {:.4f} wrong {} flagged {} found {}", results.auc, labels.wrong,
                            labels.flagged, labels.found);
  }
  say_sentence(fmt::format(
      "results: config.json, noise.json, metrics.jsonl, models and checkpoints in {}", recipe.out));
  const std::string accuracy =
      is_tested ? fmt::format("best_acc {:.2f} mean_last10 {:.2f} last_acc {:.2f}",
                              results.best_acc, results.mean_last10, results.last_acc)
                : "best_acc nan mean_last10 nan last_acc nan";
  say_last(fmt::format("{}{} out {}", accuracy, selection, recipe.out));
}

int train(const Recipe& recipe, const RecipeFlags& flags, const LeftOut& left_out) {
  Communicator& group = join_group(program_version());
  if (!group.is_first()) print_nothing_but_errors();
  print_warnings(left_out.sentences);
  PlannedRun run = plan_run(recipe, flags.resume(), group);
  run.left_out_classes = left_out.num_class;
  print_warnings(unread_warnings(std::span(&run.recipe, 1), flags.given()));
  const StopSignal signal;
  const TrainingData data = [&] {
    LoadProgress loading(signal);
    return load_data(run, loading.report(), group);
  }();
  signal.check();
  signal.begin_training();
  const StopCondition stop(run.recipe.max_hours, [&] { return signal.received(); });
  const auto progress = make_progress(run.recipe, data, run.resuming);
  TrainingRun training(run, data, stop, *progress, group);
  if (run.resuming) print_resumed(training);
  print_summary(run, data, training.trainer(), group);
  if (prints_json()) say_start(run, data, training.resumed_from());
  if (!training.run()) {
    const std::string why =
        fmt::format("stopped by {}; the same command with --resume --out {} goes on from here",
                    stop.is_met() ? stop.reason() : "another rank", run.recipe.out);
    say("\n");
    say_last(why);
    if (prints_json()) say_end("stopped", why);
    return kStopped;
  }
  if (!group.is_first()) return 0;
  if (training.epochs() == 0) {
    say_sentence(
        fmt::format("nothing is left to train: all {} epochs are done", run.recipe.num_epochs));
  }
  ComparedRun results;
  results.recipe = run.recipe;
  take_results(results, RunFolder::open(run.recipe.out).read_metrics());
  print_results(run.recipe, results);
  if (prints_json()) say_end(run.recipe, results);
  return 0;
}

/// Trains; where events are printed, an error is one too.
int train(const RecipeFlags& flags) {
  LeftOut left_out;
  const Recipe recipe = flags.recipe(left_out);
  set_output(recipe.log_format, recipe.quiet);
  try {
    return train(recipe, flags, left_out);
  } catch (const Interrupted&) {
    if (prints_json()) say_end("stopped", "a signal");
    throw;
  } catch (const std::exception& error) {
    if (prints_json()) say_end("failed", error.what());
    throw;
  }
}

}  // namespace

void add_train_command(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("train", "Train, and write the results to a folder.");
  const auto flags = std::make_shared<RecipeFlags>();
  flags->add_to(*command);
  command->footer(
      "A flag beats the recipe, the recipe beats the preset, the preset beats the method, and the "
      "method beats the defaults shown here. Noise and num_class of a recipe for other data do not "
      "count; a flag that the method never reads is warned of.");
  command->callback([&action, flags] { action = [flags] { return train(*flags); }; });
}

}  // namespace bptplr
