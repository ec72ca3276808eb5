// Bindings of comparisons.
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "bpt_plr/results/compare/folder.hpp"
#include "bpt_plr/results/compare/train_all.hpp"
#include "python/src/bindings.hpp"
#include "python/src/events.hpp"

namespace bptplr::python {
namespace {

class EventsOfComparison : public ComparisonObserver {
 public:
  explicit EventsOfComparison(Events& events) : events_(events) {}

  void on_plan(const ComparisonPlan& plan, std::size_t /*left*/) override {
    all_ = plan.num_runs();
    warnings_ = plan.left_out;
    warnings_.insert(warnings_.end(), plan.unread.begin(), plan.unread.end());
  }
  std::optional<TrainingData> load(PlannedRun& run) override {
    return load_data(run, events_.load_report());
  }
  void on_begin() override {
    for (const std::string& sentence : warnings_) events_.on_warning(sentence);
  }
  void on_run(const WaitingRun& run) override {
    held_.clear();
    const nlohmann::json about{
        {"number", run.number}, {"of", all_}, {"label", run.label}, {"seed", run.run.recipe.seed}};
    events_.say("run", about.dump());
  }
  std::unique_ptr<TrainingObserver> observe(const WaitingRun& /*run*/,
                                            const TrainingData& /*data*/) override {
    return std::make_unique<EventsOfRun>(events_);
  }
  void on_failure(const ComparedRun& run) override {
    events_.on_warning(
        fmt::format("{}, seed {} failed: {}", run.label, run.recipe.seed, run.failure));
  }
  void on_wait(const std::vector<HeldRun>& held) override {
    events_.check_signals();
    if (held == held_) return;
    held_ = held;
    events_.say("waiting", to_text(to_json(held)));
  }

 private:
  Events& events_;
  std::size_t all_ = 0;
  std::vector<std::string> warnings_;
  std::vector<HeldRun> held_;  ///< said last; empty after a run of our own
};

/// Trains the runs of a comparison, as `bptplr compare` does. Returns its folder and why it was
/// stopped; "" if it is complete.
nb::tuple compare(const std::vector<std::string>& names, const std::vector<std::int64_t>& seeds,
                  const std::string& base, const std::string& fields, const std::string& out,
                  const nb::object& callback) {
  Events events(callback);
  std::string where;
  std::string reason;
  {
    const TrainingScope scope;
    const nlohmann::json given = fields_of(fields);
    const auto labelled = label_recipes(names, base, given);
    const Recipe& first = labelled.front().recipe;
    const ComparisonPlan plan = plan_comparison(
        labelled, seeds, out.empty() ? default_comparison_folder(first) : out, given);
    const StopCondition stop(first.max_hours, [&] { return events.wants_stop(); });
    EventsOfComparison observer(events);
    const ComparisonEnd end = train_all(plan, stop, observer);
    update_tables(plan);
    events.rethrow();
    where = plan.out.string();
    if (end.stopped) reason = events.wants_stop() ? "the caller" : stop.reason();
  }
  return nb::make_tuple(where, reason);
}

/// Returns the folder that a comparison would have if none is named.
std::string default_comparison_out(const std::vector<std::string>& names, const std::string& base,
                                   const std::string& fields) {
  return default_comparison_folder(label_recipes(names, base, fields_of(fields)).front().recipe);
}

nlohmann::ordered_json figures_of(const MeanDeviation& value) {
  return {{"mean", number_or_null(value.mean)}, {"deviation", number_or_null(value.deviation)}};
}

/// Returns the runs of a comparison's folder and the figures of its labels, as JSON.
std::string read_comparison(const std::string& folder) {
  const Comparison comparison = gather(ComparisonFolder::open(folder).runs(), {}, {});
  nlohmann::ordered_json found{{"runs", nlohmann::ordered_json::array()},
                               {"labels", nlohmann::ordered_json::array()}};
  for (const std::string& label : comparison.labels) {
    for (const std::int64_t seed : comparison.seeds) {
      const ComparedRun* run = comparison.find(label, seed);
      if (run != nullptr) found["runs"].push_back(to_json(*run));
    }
  }
  for (const LabelSummary& of : summarize(comparison)) {
    found["labels"].push_back({{"label", of.label},
                               {"done", of.done},
                               {"failed", of.failed},
                               {"best_acc", figures_of(of.best_acc)},
                               {"mean_last10", figures_of(of.mean_last10)},
                               {"auc", figures_of(of.auc)},
                               {"minutes", figures_of(of.minutes)}});
  }
  return to_text(found);
}

}  // namespace

void bind_compare(nb::module_& module) {
  module.def("compare", &compare, nb::arg("names"), nb::arg("seeds"), nb::arg("base"),
             nb::arg("fields"), nb::arg("out"), nb::arg("callback"));
  module.def("default_comparison_out", &default_comparison_out, nb::arg("names"), nb::arg("base"),
             nb::arg("fields"), nb::call_guard<GilReleased>());
  module.def("read_comparison", &read_comparison, nb::arg("folder"), nb::call_guard<GilReleased>());
}

}  // namespace bptplr::python
