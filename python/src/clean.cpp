// Bindings of cleanings.
#include "bpt_plr/results/clean/clean.hpp"

#include <nanobind/stl/string.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "python/src/bindings.hpp"
#include "python/src/events.hpp"
#include "python/src/judged_labels.hpp"

namespace bptplr::python {
namespace {

class EventsOfCleaning : public CleanObserver {
 public:
  explicit EventsOfCleaning(Events& events) : events_(events) {}

  LoadReport report(CleanWork work) override { return events_.report_of(name_of_work(work)); }
  std::unique_ptr<TrainingObserver> observe(const PlannedRun& /*run*/,
                                            const TrainingData& /*data*/) override {
    return std::make_unique<EventsOfRun>(events_);
  }

 private:
  static const char* name_of_work(CleanWork work) {
    switch (work) {
      case CleanWork::kFeatures:
        return "features";
      case CleanWork::kLoading:
        return "loading";
      case CleanWork::kFolds:
        return "folds";
      case CleanWork::kJudging:
        return "judging";
      case CleanWork::kComparing:
        return "comparing";
    }
    return "";
  }

  Events& events_;
};

/// Cleans a data set, as `bptplr clean` does, without asking. Returns the folders and files, the
/// audit and the issues; None for the latter two where it was stopped.
nb::dict clean_data(const std::string& data, const std::string& features, const std::string& out,
                    const std::string& judge, std::int64_t folds, const std::string& fields,
                    const nb::object& callback) {
  Events events(callback);
  std::optional<Cleaning> cleaning;
  CleanPlan plan;
  {
    const TrainingScope scope;
    plan = plan_clean({data, features, out}, fields_of(fields));
    if (plan.takes_hours) events.say("hours", plan.sentences.front());
    const StopCondition stop(0.0, [&] { return events.wants_stop(); });
    EventsOfCleaning observer(events);
    cleaning = bptplr::clean(plan, judge_options(judge, folds), stop, observer);
    events.rethrow();
  }
  nb::dict found;
  found["out"] = plan.out.string();
  found["run"] = plan.run.string();
  if (!cleaning) return found;
  found["cleaned"] = cleaning->cleaned;
  found["suspects"] = cleaning->files.suspects.string();
  found["changed"] = cleaning->changed;
  if (cleaning->found.issues) found["issues"] = to_python(*cleaning->found.issues);
  found["audit"] = judged_labels(std::move(cleaning->found.audit), std::move(cleaning->found.data));
  return found;
}

}  // namespace

void bind_clean(nb::module_& module) {
  module.def("clean", &clean_data, nb::arg("data"), nb::arg("features"), nb::arg("out"),
             nb::arg("judge"), nb::arg("folds"), nb::arg("fields"), nb::arg("callback"));
}

}  // namespace bptplr::python
