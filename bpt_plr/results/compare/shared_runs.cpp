#include "bpt_plr/results/compare/shared_runs.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "bpt_plr/recipe/builtin.hpp"
#include "bpt_plr/run/run_folder.hpp"
#include "engine/error.hpp"

namespace bptplr {
namespace {

bool is_of(const ComparedRun& line, const WaitingRun& run) {
  return line.label == run.label && line.recipe.seed == run.asked.seed;
}

/// Plans a run that another process may begin at any time.
PlannedRun plan_shared_run(const Recipe& asked) {
  while (true) {
    const bool has_begun = RunFolder::exists(asked.out);
    if (has_begun) require_same_recipe(asked, RunFolder::open(asked.out).read_config(), asked.out);
    try {
      return plan_run(asked, /*resume=*/true);
    } catch (const Error&) {
      // A run that somebody has begun since is in the way of a new one.
      if (has_begun || !RunFolder::exists(asked.out)) throw;
    }
  }
}

/// Returns a run as it is now that this process has its lock.
WaitingRun plan_taken_run(const WaitingRun& waiting, RunLock lock) {
  WaitingRun taken = waiting;
  taken.run = plan_shared_run(waiting.asked);
  taken.run.changes = waiting.run.changes;
  taken.run.left_out_classes = waiting.run.left_out_classes;
  taken.run.lock = std::move(lock);
  return taken;
}

}  // namespace

nlohmann::ordered_json to_json(const std::vector<HeldRun>& held) {
  auto list = nlohmann::ordered_json::array();
  for (const HeldRun& run : held) {
    list.push_back({{"label", run.label}, {"seed", run.seed}, {"holder", run.holder}});
  }
  return list;
}

SharedRuns::SharedRuns(const std::vector<LabelledRecipe>& labelled,
                       const std::vector<std::int64_t>& seeds, ComparisonFolder& folder)
    : folder_(folder) {
  std::size_t number = 0;
  for (const std::int64_t seed : seeds) {
    for (const LabelledRecipe& of : labelled) {
      WaitingRun waiting{++number, of.label, of.recipe, {}};
      waiting.asked.seed = seed;
      waiting.lines_before = std::ranges::count_if(
          folder.runs(), [&](const auto& line) { return is_of(line, waiting); });
      waiting.asked.out = folder.run_path(of.label, seed).string();
      if (const ComparedRun* run = ending_of(waiting)) {
        require_same_recipe(waiting.asked, run->recipe, waiting.asked.out);
        continue;
      }
      waiting.run = plan_shared_run(waiting.asked);
      waiting.run.changes = deviations(waiting.asked);  // same for a resumed run
      waiting.run.left_out_classes = of.left_out.num_class;
      left_.push_back(std::move(waiting));
    }
  }
}

/// Returns the line of a run that this call need not make any more; null if there is none.
const ComparedRun* SharedRuns::ending_of(const WaitingRun& run) const {
  const ComparedRun* last = nullptr;
  std::ptrdiff_t lines = 0;
  for (const ComparedRun& line : folder_.runs()) {
    if (!is_of(line, run)) continue;
    last = &line;
    ++lines;
  }
  const bool has_ended = last != nullptr && (last->failure.empty() || lines > run.lines_before);
  return has_ended ? last : nullptr;
}

void SharedRuns::update() {
  folder_.read();
  std::erase_if(left_, [&](const WaitingRun& waiting) {
    const ComparedRun* run = ending_of(waiting);
    if (run != nullptr) require_same_recipe(waiting.asked, run->recipe, waiting.asked.out);
    return run != nullptr;
  });
}

std::optional<WaitingRun> SharedRuns::take() {
  held_.clear();
  for (const WaitingRun& of : left_) {
    RunLock lock;
    try {
      lock = RunFolder::lock_if_free(of.asked.out);
      if (lock == nullptr) {
        held_.push_back({of.label, of.asked.seed, RunFolder::holder(of.asked.out)});
        continue;
      }
    } catch (const Error&) {
      // The training meets the same error, which is recorded as the failure of this run.
    }
    folder_.read();  // who had it may have recorded its end before letting go of it
    if (ending_of(of) == nullptr) return plan_taken_run(of, std::move(lock));
  }
  return {};
}

}  // namespace bptplr
