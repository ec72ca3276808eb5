#include "bpt_plr/results/compare/train_all.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <new>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "bpt_plr/recipe/builtin.hpp"
#include "bpt_plr/recipe/checks.hpp"
#include "bpt_plr/recipe/json.hpp"
#include "bpt_plr/recipe/needs.hpp"
#include "bpt_plr/recipe/resolve.hpp"
#include "bpt_plr/results/compare/folder.hpp"
#include "bpt_plr/run/run_folder.hpp"
#include "bpt_plr/train/checkpoint.hpp"
#include "engine/error.hpp"

namespace bptplr {
namespace {

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
/// Returns false where the loading was stopped.
bool require_same_data_at_first(std::vector<WaitingRun>& waiting, const ComparisonFolder& folder,
                                ComparisonObserver& observer) {
  const Recipe first = waiting.front().run.recipe;
  const auto is_clear = [&](const WaitingRun& of) {
    return of.run.recipe.seed != first.seed || data_differences(of.run.recipe, first).empty();
  };
  if (std::ranges::all_of(waiting, is_clear)) return true;
  std::vector<ComparedRun> runs = folder.runs();
  for (WaitingRun& of : waiting) {
    if (of.run.recipe.seed != first.seed) continue;
    const auto data = observer.load(of.run);
    if (!data) return false;
    const ComparedRun run = run_without_results(of, *data);
    require_same_data(runs, run);
    runs.push_back(run);
  }
  return true;
}

enum class RunEnding { kDone, kFailed, kStopped };

/// Trains a run and records its results or failure, unless it is stopped.
RunEnding make_run(WaitingRun& waiting, const StopCondition& stop, ComparisonFolder& folder,
                   ComparisonObserver& observer) {
  const std::optional<TrainingData> data = observer.load(waiting.run);
  if (!data) return RunEnding::kStopped;
  ComparedRun run = run_without_results(waiting, *data);
  require_same_data(folder.runs(), run);
  try {
    const auto events = observer.observe(waiting, *data);
    TrainingRun training(waiting.run, *data, stop, *events);
    observer.on_training(waiting, *data, training);
    if (!training.run()) return RunEnding::kStopped;
    take_results(run, RunFolder::open(run.recipe.out).read_metrics());
  } catch (const Error& error) {
    run.failure = error.what();
  } catch (const std::bad_alloc&) {
    run.failure = kOutOfMemory;
  }
  folder.add(run);
  if (run.failure.empty()) return RunEnding::kDone;
  observer.on_failure(run);
  return RunEnding::kFailed;
}

/// Sleeps before others' runs are looked at again; a stop is noticed at once.
void pause(const StopCondition& stop) {
  constexpr std::chrono::milliseconds kStep{100};
  for (int step = 0; step < 10 && !stop.is_met(); ++step) std::this_thread::sleep_for(kStep);
}

bool any_failed(const ComparisonPlan& plan, const Comparison& comparison) {
  return std::ranges::any_of(plan.labelled, [&](const LabelledRecipe& of) {
    return std::ranges::any_of(plan.seeds, [&](std::int64_t seed) {
      const ComparedRun* run = comparison.find(of.label, seed);
      return run != nullptr && !run->failure.empty();
    });
  });
}

}  // namespace

std::string default_comparison_folder(Recipe recipe) {
  resolve(recipe);
  return fmt::format("runs/compare_{}_{}", recipe.dataset, noise_name(recipe));
}

std::vector<std::string> labels_of(const std::vector<LabelledRecipe>& labelled) {
  std::vector<std::string> names;
  names.reserve(labelled.size());
  for (const LabelledRecipe& of : labelled) names.push_back(of.label);
  return names;
}

ComparisonPlan plan_comparison(std::vector<LabelledRecipe> labelled,
                               std::vector<std::int64_t> seeds, std::filesystem::path out,
                               const nlohmann::json& given) {
  ComparisonPlan plan;
  std::vector<Recipe> recipes;
  for (const LabelledRecipe& of : labelled) {
    const auto& sentences = of.left_out.sentences;
    plan.left_out.insert(plan.left_out.end(), sentences.begin(), sentences.end());
    for (const std::int64_t seed : seeds) {
      recipes.push_back(of.recipe);
      recipes.back().seed = seed;
      resolve(recipes.back());  // throws for a wrong recipe before a folder is created
      check_epochs(recipes.back());
    }
  }
  plan.unread = unread_warnings(recipes, given);
  plan.out = std::move(out);
  plan.labelled = std::move(labelled);
  plan.seeds = std::move(seeds);
  return plan;
}

ComparisonEnd train_all(const ComparisonPlan& plan, const StopCondition& stop,
                        ComparisonObserver& observer) {
  ComparisonFolder folder = ComparisonFolder::create(plan.out);
  SharedRuns runs(plan.labelled, plan.seeds, folder);
  observer.on_plan(plan, runs.left().size());
  ComparisonEnd end;
  end.stopped = !runs.left().empty() && !require_same_data_at_first(runs.left(), folder, observer);
  if (!end.stopped) observer.on_begin();
  for (; !end.stopped && !runs.left().empty(); runs.update()) {
    end.stopped = stop.is_met();
    if (end.stopped) break;
    if (std::optional<WaitingRun> run = runs.take()) {
      observer.on_run(*run);
      end.stopped = make_run(*run, stop, folder, observer) == RunEnding::kStopped;
      if (!end.stopped) update_tables(plan);
    } else if (!runs.held().empty()) {
      observer.on_wait(runs.held());
      pause(stop);
    }
  }
  folder.read();
  end.comparison = gather(folder.runs(), labels_of(plan.labelled), plan.seeds);
  end.any_failed = any_failed(plan, end.comparison);
  return end;
}

Comparison update_tables(const ComparisonPlan& plan) {
  return update_tables(plan.out, labels_of(plan.labelled), plan.seeds);
}

}  // namespace bptplr
