// `bptplr compare NAME...`: trains methods or recipes with several seeds on the same data.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/commands.hpp"
#include "apps/recipe_flags.hpp"
#include "apps/terminal/compare_table.hpp"
#include "apps/terminal/load_progress.hpp"
#include "apps/terminal/stop_signals.hpp"
#include "apps/terminal/terminal.hpp"
#include "apps/terminal/training_events.hpp"
#include "apps/terminal/training_progress.hpp"
#include "bpt_plr/recipe/json.hpp"
#include "bpt_plr/results/compare/comparison.hpp"
#include "bpt_plr/results/compare/folder.hpp"
#include "bpt_plr/results/compare/plan.hpp"
#include "bpt_plr/results/compare/train_all.hpp"
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

void print_files(const std::filesystem::path& folder) {
  say("\n");
  say_sentence(fmt::format("results: runs.jsonl, compare.csv, compare.md and compare.html in {}",
                           folder.string()));
}

/// Prints the existing results of all labels and seeds, with requested ones that are missing.
int show(const std::filesystem::path& out, const std::vector<std::string>& labels,
         const std::vector<std::int64_t>& seeds) {
  const ComparisonFolder folder = ComparisonFolder::open(out);
  const Comparison comparison = gather(folder.runs(), labels, seeds);
  print_comparison(comparison);
  try {
    update_tables(out, labels, seeds);
    print_files(out);
  } catch (const Error& error) {  // the folder may be another user's
    print_warning(error.what());
  }
  say_last(script_line(comparison));
  if (prints_json()) say_end("done", script_line(comparison));
  return 0;
}

/// Returns what a process waits for: "waiting for 1 run of others: ce, seed 1 by process 7 on pc".
std::string waiting_sentence(const std::vector<HeldRun>& held) {
  constexpr std::size_t kNamed = 4;
  std::vector<std::string> runs;
  for (const HeldRun& run : held) {
    if (runs.size() == kNamed) break;
    runs.push_back(fmt::format("{}, seed {} by {}", run.label, run.seed, run.holder));
  }
  if (held.size() > kNamed) runs.push_back(fmt::format("{} more", held.size() - kNamed));
  return fmt::format("waiting for {} run{} of others: {}", held.size(), held.size() == 1 ? "" : "s",
                     fmt::join(runs, "; "));
}

/// Shows a comparison on the terminal while it is made.
class TerminalComparison : public ComparisonObserver {
 public:
  explicit TerminalComparison(const StopSignal& signal) : signal_(signal) {}

  void on_plan(const ComparisonPlan& plan, std::size_t left) override {
    warnings_ = plan.unread;
    all_ = plan.num_runs();
    quiet_ = plan.labelled.front().recipe.quiet;
    say_field("compare", fmt::format("{}; seeds {}: {} of {} runs are left",
                                     fmt::join(labels_of(plan.labelled), ", "),
                                     fmt::join(plan.seeds, ", "), left, all_));
    say_field("out", plan.out.string());
  }
  std::optional<TrainingData> load(PlannedRun& run) override {
    try {
      LoadProgress loading(signal_);
      return load_data(run, loading.report());
    } catch (const Interrupted&) {
      if (!has_begun_) throw;  // there is nothing to go on with
      return std::nullopt;
    }
  }
  void on_begin() override {
    has_begun_ = true;
    signal_.begin_training();
    print_warnings(warnings_);
  }
  void on_run(const WaitingRun& run) override {
    signal_.begin_training();  // again, where it has waited for others
    held_.clear();
    const std::int64_t seed = run.run.recipe.seed;
    if (prints_json() && !quiet_) {
      say_event("run",
                {{"number", run.number}, {"of", all_}, {"label", run.label}, {"seed", seed}});
    }
    say("\n");
    say_sentence(fmt::format("run {} of {}: {}, seed {}", run.number, all_, run.label, seed));
    std::fflush(stdout);
  }
  std::unique_ptr<TrainingObserver> observe(const WaitingRun& run,
                                            const TrainingData& data) override {
    return make_progress(run.run.recipe, data, run.run.resuming);
  }
  void on_training(const WaitingRun& run, const TrainingData& data,
                   const TrainingRun& training) override {
    if (run.run.resuming) print_resumed(training);
    if (prints_json()) say_start(run.run, data, training.resumed_from());
  }
  void on_failure(const ComparedRun& run) override {
    print_warning(fmt::format("{}, seed {} failed: {}; the other runs go on", run.label,
                              run.recipe.seed, run.failure));
  }
  void on_wait(const std::vector<HeldRun>& held) override {
    if (held == held_) return;
    held_ = held;
    signal_.end_training();
    if (prints_json() && !quiet_) say_event("waiting", {{"runs", to_json(held)}});
    say("\n");
    say_sentence(waiting_sentence(held));
    std::fflush(stdout);
  }

 private:
  const StopSignal& signal_;
  std::vector<std::string> warnings_;  ///< printed when nothing refuses the runs any more
  std::size_t all_ = 0;
  bool quiet_ = false;
  bool has_begun_ = false;
  std::vector<HeldRun> held_;  ///< printed last; empty after a run of our own
};

int train(const ComparisonPlan& plan) {
  const StopSignal signal;
  const StopCondition stop(plan.labelled.front().recipe.max_hours,
                           [&] { return signal.received(); });
  TerminalComparison terminal(signal);
  const ComparisonEnd end = train_all(plan, stop, terminal);
  print_comparison(end.comparison);
  update_tables(plan);
  print_files(plan.out);
  if (end.stopped) {
    say_sentence(fmt::format("stopped by {}; the same command goes on from here", stop.reason()));
  }
  const std::string line = script_line(end.comparison);
  say_last(line);
  if (prints_json()) say_end(end.stopped ? "stopped" : end.any_failed ? "failed" : "done", line);
  return end.stopped ? kStopped : end.any_failed ? 1 : 0;
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
  if (labelled.empty()) return show(options.out, {}, {});
  const std::vector<std::int64_t> seeds = parse_seeds(options.seeds);
  const std::string out =
      options.out.empty() ? default_comparison_folder(labelled.front().recipe) : options.out;
  if (options.table) return show(out, labels_of(labelled), seeds);
  const ComparisonPlan plan = plan_comparison(labelled, seeds, out, options.flags.given());
  print_warnings(plan.left_out);
  return train(plan);
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
      "command goes on where it was stopped. --max_hours counts for the whole call. Several "
      "processes, on one machine or on several with a shared folder, may give the same command: "
      "each takes runs that nobody has, and takes over those of one that was killed.");
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
