// `bptplr compare NAME...`: trains methods or recipes with several seeds on the same data.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apps/commands.hpp"
#include "apps/recipe_flags.hpp"
#include "apps/terminal/compare_table.hpp"
#include "apps/terminal/load_progress.hpp"
#include "apps/terminal/stop_signals.hpp"
#include "apps/terminal/terminal.hpp"
#include "apps/terminal/training_events.hpp"
#include "apps/terminal/training_progress.hpp"
#include "bpt_plr/recipe/builtin.hpp"
#include "bpt_plr/recipe/checks.hpp"
#include "bpt_plr/recipe/json.hpp"
#include "bpt_plr/recipe/needs.hpp"
#include "bpt_plr/recipe/resolve.hpp"
#include "bpt_plr/results/compare/comparison.hpp"
#include "bpt_plr/results/compare/files.hpp"
#include "bpt_plr/results/compare/folder.hpp"
#include "bpt_plr/results/compare/plan.hpp"
#include "bpt_plr/run/run_folder.hpp"
#include "bpt_plr/run/training_run.hpp"
#include "bpt_plr/train/checkpoint.hpp"
#include "bpt_plr/train/training_data.hpp"
#include "engine/error.hpp"

namespace bptplr {
namespace {

/// Flags of a single run that a comparison does not use or uses differently.
constexpr std::array<std::string_view, 2> kNotFlags{"seed", "out"};

struct CompareOptions {
  std::vector<std::string> names;
  RecipeFlags flags;
  std::string seeds = "1,2,3";
  std::string out;
  bool table = false;
};

/// Run that has not ended yet.
struct WaitingRun {
  std::size_t number = 0;  ///< among all requested runs, from 1
  std::string label;
  PlannedRun run;
};

/// Returns runs/compare_DATASET_NOISE even if it exists, so that the same command resumes it.
std::string default_out(Recipe recipe) {
  resolve(recipe);
  return fmt::format("runs/compare_{}_{}", recipe.dataset, noise_name(recipe));
}

/// Returns the runs of all labels with the first seed, then with the second one, ..., so that a
/// comparison cut short is balanced. Throws Error where an existing run has another recipe.
std::vector<WaitingRun> waiting_runs(const ComparisonFolder& folder,
                                     const std::vector<LabelledRecipe>& labelled,
                                     const std::vector<std::int64_t>& seeds) {
  const Comparison so_far = gather(folder.runs(), {}, {});
  std::vector<WaitingRun> waiting;
  std::size_t number = 0;
  for (const std::int64_t seed : seeds) {
    for (const LabelledRecipe& of : labelled) {
      ++number;
      Recipe recipe = of.recipe;
      recipe.seed = seed;
      recipe.out = folder.run_path(of.label, seed).string();
      const std::vector<std::string> changes = deviations(recipe);  // same for a resumed run
      const ComparedRun* run = so_far.find(of.label, seed);
      if (run != nullptr && run->failure.empty()) {
        require_same_recipe(recipe, run->recipe, recipe.out);
        continue;
      }
      if (RunFolder::exists(recipe.out)) {
        const Recipe was = RunFolder::open(recipe.out).read_config();
        require_same_recipe(recipe, was, recipe.out);
      }
      waiting.push_back({number, of.label, plan_run(recipe, /*resume=*/true)});
      waiting.back().run.changes = changes;
      waiting.back().run.left_out_classes = of.left_out.num_class;
    }
  }
  return waiting;
}

TrainingData load_and_show(PlannedRun& run, const StopSignal& signal) {
  LoadProgress loading(signal);
  return load_data(run, loading.report());
}

/// Returns the record of a run without its results.
ComparedRun run_without_results(const WaitingRun& waiting, const TrainingData& data) {
  ComparedRun run;
  run.label = waiting.label;
  run.recipe = waiting.run.recipe;
  run.changes = waiting.run.changes;
  run.data_hash = hash_training_data(data);
  return run;
}

/// Throws Error if labels mean different data, which must be known before hours of training.
void require_same_data_at_first(std::vector<WaitingRun>& waiting, const ComparisonFolder& folder,
                                const StopSignal& signal) {
  const Recipe first = waiting.front().run.recipe;
  const auto is_clear = [&](const WaitingRun& of) {
    return of.run.recipe.seed != first.seed || data_differences(of.run.recipe, first).empty();
  };
  if (std::ranges::all_of(waiting, is_clear)) return;
  std::vector<ComparedRun> runs = folder.runs();
  for (WaitingRun& of : waiting) {
    if (of.run.recipe.seed != first.seed) continue;
    const ComparedRun run = run_without_results(of, load_and_show(of.run, signal));
    require_same_data(runs, run);
    runs.push_back(run);
  }
}

enum class Ending { kDone, kFailed, kStopped };

/// Trains a run and records its results or failure, unless it is stopped.
Ending make_run(WaitingRun& waiting, const StopCondition& stop, const StopSignal& signal,
                ComparisonFolder& folder) {
  TrainingData data;
  try {
    data = load_and_show(waiting.run, signal);
  } catch (const Interrupted&) {
    return Ending::kStopped;
  }
  ComparedRun run = run_without_results(waiting, data);
  require_same_data(folder.runs(), run);
  try {
    const auto progress = make_progress(waiting.run.recipe, data, waiting.run.resuming);
    TrainingRun training(waiting.run, data, stop, *progress);
    if (waiting.run.resuming) print_resumed(training);
    if (prints_json()) say_start(waiting.run, data, training.resumed_from());
    if (!training.run()) return Ending::kStopped;
    take_results(run, RunFolder::open(run.recipe.out).read_metrics());
  } catch (const Error& error) {
    run.failure = error.what();
  } catch (const std::bad_alloc&) {
    run.failure = kOutOfMemory;
  }
  folder.add(run);
  if (run.failure.empty()) return Ending::kDone;
  print_warning(fmt::format("{}, seed {} failed: {}; the other runs go on", run.label,
                            run.recipe.seed, run.failure));
  return Ending::kFailed;
}

std::vector<std::string> labels_of(const std::vector<LabelledRecipe>& labelled) {
  std::vector<std::string> labels;
  labels.reserve(labelled.size());
  for (const LabelledRecipe& of : labelled) labels.push_back(of.label);
  return labels;
}

void print_files(const std::filesystem::path& folder) {
  say("\n");
  say_sentence(fmt::format("results: runs.jsonl, compare.csv, compare.md and compare.html in {}",
                           folder.string()));
}

/// Prints the existing results of all labels and seeds, with requested ones that are missing.
int show(const std::filesystem::path& out, const std::vector<LabelledRecipe>& labelled,
         const std::vector<std::int64_t>& seeds) {
  const ComparisonFolder folder = ComparisonFolder::open(out);
  const Comparison comparison = gather(folder.runs(), labels_of(labelled), seeds);
  print_comparison(comparison);
  try {
    write_comparison(out, comparison);
    print_files(out);
  } catch (const Error& error) {  // the folder may be another user's
    print_warning(error.what());
  }
  say_last(script_line(comparison));
  if (prints_json()) say_end("done", script_line(comparison));
  return 0;
}

/// Says which run begins.
void say_run(const WaitingRun& run, std::size_t all) {
  if (prints_json()) {
    say_event(
        "run",
        {{"number", run.number}, {"of", all}, {"label", run.label}, {"seed", run.run.recipe.seed}});
  }
  say("\n");
  say_sentence(
      fmt::format("run {} of {}: {}, seed {}", run.number, all, run.label, run.run.recipe.seed));
  std::fflush(stdout);
}

/// Makes all runs; `warnings` are printed when nothing refuses them any more.
int train_all(const std::filesystem::path& out, const std::vector<LabelledRecipe>& labelled,
              const std::vector<std::int64_t>& seeds, const std::vector<std::string>& warnings) {
  const StopSignal signal;
  const StopCondition stop(labelled.front().recipe.max_hours, [&] { return signal.received(); });
  ComparisonFolder folder = ComparisonFolder::create(out);
  std::vector<WaitingRun> waiting = waiting_runs(folder, labelled, seeds);
  const std::size_t all = labelled.size() * seeds.size();
  say_field("compare", fmt::format("{}; seeds {}: {} of {} runs are left",
                                   fmt::join(labels_of(labelled), ", "), fmt::join(seeds, ", "),
                                   waiting.size(), all));
  say_field("out", out.string());
  if (!waiting.empty()) require_same_data_at_first(waiting, folder, signal);
  signal.begin_training();
  print_warnings(warnings);

  const auto so_far = [&] { return gather(folder.runs(), labels_of(labelled), seeds); };
  bool stopped = false;
  bool any_failed = false;
  for (WaitingRun& of : waiting) {
    stopped = stop.is_met();
    if (stopped) break;
    say_run(of, all);
    const Ending ending = make_run(of, stop, signal, folder);
    stopped = ending == Ending::kStopped;
    if (stopped) break;
    any_failed |= ending == Ending::kFailed;
    write_comparison(out, so_far());
  }
  print_comparison(so_far());
  write_comparison(out, so_far());
  print_files(out);
  if (stopped) {
    say_sentence(fmt::format("stopped by {}; the same command goes on from here", stop.reason()));
  }
  say_last(script_line(so_far()));
  if (prints_json()) {
    say_end(stopped ? "stopped" : any_failed ? "failed" : "done", script_line(so_far()));
  }
  return stopped ? kStopped : any_failed ? 1 : 0;
}

/// Takes what is printed from the first recipe; --table may go without any.
void set_output_of(const CompareOptions& options, const std::vector<LabelledRecipe>& labelled) {
  Recipe recipe;
  if (labelled.empty()) {
    update_recipe(recipe, options.flags.given(), "the command line");
  } else {
    recipe = labelled.front().recipe;
  }
  set_output(recipe.log_format, recipe.quiet);
}

int compare(const CompareOptions& options) {
  const auto labelled = label_recipes(options.names, options.flags.base(), options.flags.given());
  set_output_of(options, labelled);
  const auto seeds = labelled.empty() ? std::vector<std::int64_t>{} : parse_seeds(options.seeds);
  const std::string out = options.out.empty() ? default_out(labelled.front().recipe) : options.out;
  if (options.table) return show(out, labelled, seeds);
  std::vector<Recipe> recipes;
  std::vector<std::string> left_out;
  for (const LabelledRecipe& of : labelled) {
    const auto& sentences = of.left_out.sentences;
    left_out.insert(left_out.end(), sentences.begin(), sentences.end());
    for (const std::int64_t seed : seeds) {
      recipes.push_back(of.recipe);
      recipes.back().seed = seed;
      resolve(recipes.back());  // throws for a wrong recipe before a folder is created
      check_epochs(recipes.back());
    }
  }
  print_warnings(left_out);
  return train_all(out, labelled, seeds, unread_warnings(recipes, options.flags.given()));
}

void add_options(CLI::App& command, CompareOptions& options) {
  command
      .add_option("NAME", options.names,
                  "what to compare: methods (see --method), built-in recipes, JSON files")
      ->type_name("METHOD|RECIPE|FILE");
  command.add_option("--seeds", options.seeds, "each is trained with every one of these")
      ->type_name("INT,...")
      ->group("Comparison")
      ->capture_default_str();
  command
      .add_option("--out", options.out,
                  "folder of the comparison; empty: runs/compare_DATASET_NOISE")
      ->type_name("DIR")
      ->group("Comparison");
  command.add_flag("--table", options.table, "train nothing, show what is in --out; needs no NAME")
      ->group("Comparison");
  options.flags.add_without(command, kNotFlags);
  command.footer(
      "Flags count for all; they beat the fields of NAME, which beat those of --recipe. The same "
      "command goes on where it was stopped. --max_hours counts for the whole call.");
}

}  // namespace

void add_compare_command(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand(
      "compare", "Train several methods or recipes with several seeds, and compare them.");
  const auto options = std::make_shared<CompareOptions>();
  add_options(*command, *options);
  command->callback([&action, options] {
    if (options->names.empty() && !options->table) throw CLI::RequiredError("NAME");
    if (options->names.empty() && options->out.empty()) throw CLI::RequiredError("--out");
    action = [options] { return compare(*options); };
  });
}

}  // namespace bptplr
