// Bindings of training.
#include <nanobind/stl/string.h>

#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "bpt_plr/recipe/needs.hpp"
#include "bpt_plr/run/asked_recipe.hpp"
#include "bpt_plr/run/training_run.hpp"
#include "engine/communicator/launch.hpp"
#include "engine/error.hpp"
#include "python/src/bindings.hpp"
#include "python/src/events.hpp"

namespace bptplr::python {
namespace {

/// Throws Error in one of several processes, each of which would train the whole run.
void require_one_process() {
  const Launch launch = read_launch();
  require(launch.size == 1,
          "{} started {} processes, but Python trains in one; share a run out with `{} ... bptplr "
          "train`, and read it with bptplr.load_run",
          launch.launcher, launch.size, launch.launcher.substr(0, launch.launcher.find(' ')));
}

/// Trains a run, as `bptplr train` does. Returns its folder and why it was stopped; "" if it is
/// complete.
nb::tuple train(const std::string& base, const std::string& fields, bool resume,
                const nb::object& callback) {
  Events events(callback);
  std::string out;
  std::string reason;
  {
    const TrainingScope scope;
    const nlohmann::json given = fields_of(fields);
    require_one_process();
    LeftOut left_out;
    PlannedRun run = plan_run(asked_recipe(base, given, resume, left_out), resume);
    run.left_out_classes = left_out.num_class;
    for (const std::string& sentence : left_out.sentences) events.on_warning(sentence);
    for (const auto& sentence : unread_warnings(std::span(&run.recipe, 1), given)) {
      events.on_warning(sentence);
    }
    const TrainingData data = load_data(run, events.load_report());
    const StopCondition stop(run.recipe.max_hours);
    TrainingRun training(run, data, stop, events);
    events.say("start", run.recipe.out);
    if (!training.run()) reason = stop.is_met() ? stop.reason() : "the caller";
    out = run.recipe.out;
    events.rethrow();
  }
  return nb::make_tuple(out, reason);
}

/// Returns the folder that a run of this recipe would have if none is named.
std::string out_of(const std::string& base, const std::string& fields) {
  LeftOut left_out;
  return default_run_folder(asked_recipe(base, fields_of(fields), false, left_out));
}

}  // namespace

void bind_train(nb::module_& module) {
  module.def("train", &train, nb::arg("base"), nb::arg("fields"), nb::arg("resume"),
             nb::arg("callback"));
  module.def("default_out", &out_of, nb::arg("base"), nb::arg("fields"),
             nb::call_guard<GilReleased>());
}

}  // namespace bptplr::python
