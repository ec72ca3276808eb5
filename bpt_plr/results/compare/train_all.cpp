#include "bpt_plr/results/compare/train_all.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <nlohmann/json.hpp>
#include <utility>

#include "bpt_plr/recipe/builtin.hpp"
#include "bpt_plr/recipe/checks.hpp"
#include "bpt_plr/recipe/json.hpp"
#include "bpt_plr/recipe/needs.hpp"
#include "bpt_plr/recipe/resolve.hpp"
#include "bpt_plr/results/compare/files.hpp"
#include "bpt_plr/results/compare/folder.hpp"
#include "bpt_plr/run/run_folder.hpp"
#include "bpt_plr/train/checkpoint.hpp"
#include "engine/error.hpp"

namespace bptplr {
namespace {

/// Returns the runs that have not ended, in the order in which they are made.
std::vector<WaitingRun> waiting_runs(const ComparisonFolder& folder, const ComparisonPlan& plan) {
  const Comparison so_far = gather(folder.runs(), {}, {});
  std::vector<WaitingRun> waiting;
  std::size_t number = 0;
  for (const std::int64_t seed : plan.seeds) {
    for (const LabelledRecipe& of : plan.labelled) {
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
  std::vector<WaitingRun> waiting = waiting_runs(folder, plan);
  observer.on_plan(plan, waiting.size());
  const auto so_far = [&] { return gather(folder.runs(), labels_of(plan.labelled), plan.seeds); };
  ComparisonEnd end;
  end.stopped = !waiting.empty() && !require_same_data_at_first(waiting, folder, observer);
  if (!end.stopped) observer.on_begin();
  for (WaitingRun& of : waiting) {
    end.stopped = end.stopped || stop.is_met();
    if (end.stopped) break;
    observer.on_run(of);
    const RunEnding ending = make_run(of, stop, folder, observer);
    end.stopped = ending == RunEnding::kStopped;
    if (end.stopped) break;
    end.any_failed |= ending == RunEnding::kFailed;
    write_comparison(plan.out, so_far());
  }
  end.comparison = so_far();
  return end;
}

}  // namespace bptplr
