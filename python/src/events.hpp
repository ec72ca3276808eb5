// Passes the events of long work to a Python function.
#pragma once

#include <nanobind/nanobind.h>

#include <chrono>
#include <exception>
#include <nlohmann/json.hpp>
#include <string>

#include "bpt_plr/train/trainer.hpp"
#include "data/load_report.hpp"
#include "engine/error.hpp"
#include "engine/host_blocks.hpp"
#include "engine/io/json.hpp"
#include "python/src/gil.hpp"

namespace bptplr::python {

namespace nb = nanobind;

/// Passes the events of training to a Python function (kind, value). Work ends, with a checkpoint
/// where it trains, where the function returns True or raises, and where Ctrl-C is pressed.
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
  /// Notices Ctrl-C while nothing is said.
  void check_signals() {
    call([] { return nb::none(); });
  }
  /// Reports the steps of work that is not training; raises at once what the function raises.
  LoadReport report_of(const char* kind) {
    return {[this, kind](std::int64_t done, std::int64_t total) {
              if (done < total && !is_due()) return;
              call([&] { return callback_(kind, nb::make_tuple(done, total)); });
              rethrow();
            },
            [this](const std::string& sentence) { on_warning(sentence); }};
  }
  LoadReport load_report() { return report_of("loading"); }
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

/// What lasts as long as a training: other threads of Python run, and the memory that tensors free
/// is kept for it.
struct TrainingScope {
  GilReleased released;
  KeptBlocks kept;
};

/// Hands on the events of a run, which outlive it.
class EventsOfRun : public TrainingObserver {
 public:
  explicit EventsOfRun(Events& events) : events_(events) {}

  void on_progress(const Progress& now) override { events_.on_progress(now); }
  void on_epoch(const EpochMetrics& metrics) override { events_.on_epoch(metrics); }
  void on_warning(const std::string& sentence) override { events_.on_warning(sentence); }
  bool wants_stop() override { return events_.wants_stop(); }

 private:
  Events& events_;
};

/// Returns fields of a recipe that were passed as JSON text.
inline nlohmann::json fields_of(const std::string& text) {
  nlohmann::json fields = parse_json_or_none(text);
  require(fields.is_object(), "the fields of a recipe hold a value that JSON cannot hold");
  return fields;
}

}  // namespace bptplr::python
