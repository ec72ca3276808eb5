// Bindings of training.
#include <nanobind/stl/string.h>

#include <chrono>
#include <exception>
#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "bpt_plr/recipe/json.hpp"
#include "bpt_plr/recipe/needs.hpp"
#include "bpt_plr/run/asked_recipe.hpp"
#include "bpt_plr/run/training_run.hpp"
#include "engine/error.hpp"
#include "engine/io/json.hpp"
#include "python/src/arrays.hpp"
#include "python/src/bindings.hpp"

namespace bptplr::python {
namespace {

/// Passes the events of a run to a Python function (kind, value). Training ends, with a checkpoint,
/// where it returns True or raises, and where Ctrl-C is pressed.
class Events : public TrainingObserver {
 public:
  explicit Events(const nb::object& callback) : callback_(callback) {}

  void on_progress(const Progress& now) override {
    if (!is_due()) return;
    call([&] {
      nb::dict value;
      value["epoch"] = now.epoch;
      value["num_epochs"] = now.num_epochs;
      value["phase"] = now.phase;
      value["network"] = now.network;
      value["iteration"] = now.iteration;
      value["iterations"] = now.iterations;
      const auto loss = now.losses.find("loss");
      if (loss != now.losses.end()) value["loss"] = loss->second;
      return callback_("progress", value);
    });
  }
  void on_epoch(const EpochMetrics& metrics) override { say("epoch", to_text(to_json(metrics))); }
  void on_warning(const std::string& sentence) override { say("warning", sentence); }
  bool wants_stop() override { return stops_ || error_ != nullptr; }

  void say(const char* kind, const std::string& value) {
    call([&] { return callback_(kind, value); });
  }
  /// Reports the loading of data; raises at once what the function raises.
  LoadReport load_report() {
    return {[this](std::int64_t done, std::int64_t total) {
              if (done < total && !is_due()) return;
              call([&] { return callback_("loading", nb::make_tuple(done, total)); });
              rethrow();
            },
            [this](const std::string& sentence) { on_warning(sentence); }};
  }
  /// Raises what the function has raised, if anything.
  void rethrow() const {
    if (error_ != nullptr) std::rethrow_exception(error_);
  }

 private:
  static constexpr std::chrono::milliseconds kPause{100};

  bool is_due() {
    const auto now = std::chrono::steady_clock::now();
    if (now - last_ < kPause) return false;
    last_ = now;
    return true;
  }
  template <class Fn>
  void call(Fn&& fn) {
    if (error_ != nullptr) return;
    const GilHeld held;
    try {
      if (PyErr_CheckSignals() != 0) throw nb::python_error();
      if (fn().is(nb::handle(Py_True))) stops_ = true;
    } catch (...) {
      error_ = std::current_exception();
    }
  }

  const nb::object& callback_;
  std::chrono::steady_clock::time_point last_{};
  bool stops_ = false;
  std::exception_ptr error_;
};

nlohmann::json fields_of(const std::string& text) {
  const nlohmann::json fields = parse_json_or_none(text);
  require(fields.is_object(), "the fields of a recipe hold a value that JSON cannot hold");
  return fields;
}

/// Trains a run, as `bptplr train` does. Returns its folder and why it was stopped; "" if it is
/// complete.
nb::tuple train(const std::string& base, const std::string& fields, bool resume,
                const nb::object& callback) {
  Events events(callback);
  std::string out;
  std::string reason;
  {
    const GilReleased released;
    const nlohmann::json given = fields_of(fields);
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
