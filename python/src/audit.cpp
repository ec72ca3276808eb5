// Bindings of the audit of labels.
#include "bpt_plr/results/audit/audit.hpp"

#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "bpt_plr/results/issues/data_issues.hpp"
#include "bpt_plr/results/judges/judges.hpp"
#include "bpt_plr/results/report/page.hpp"
#include "bpt_plr/results/report/report.hpp"
#include "bpt_plr/run/run_data.hpp"
#include "bpt_plr/run/run_folder.hpp"
#include "bpt_plr/run/trained_run.hpp"
#include "bpt_plr/train/training_data.hpp"
#include "engine/io/file.hpp"
#include "python/src/arrays.hpp"
#include "python/src/bindings.hpp"
#include "python/src/judged_labels.hpp"

namespace bptplr::python {
namespace {

/// Tells `callback` (None: nobody) of the progress ten times a second and at the end. Raises what
/// it raises, and KeyboardInterrupt after Ctrl-C, which ends the audit.
class Reporter {
 public:
  explicit Reporter(const nb::object& callback) : callback_(callback) {}

  void operator()(std::int64_t done, std::int64_t total) {
    const auto now = std::chrono::steady_clock::now();
    if (now - last_ < kPause && (done < total || is_done_)) return;
    last_ = now;
    is_done_ = done == total;
    const GilHeld held;
    if (PyErr_CheckSignals() != 0) throw nb::python_error();
    if (!callback_.is_none()) callback_(done, total);
  }
  AuditProgress progress() {
    return [this](std::int64_t done, std::int64_t total) { (*this)(done, total); };
  }

 private:
  static constexpr std::chrono::milliseconds kPause{100};

  const nb::object& callback_;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
  bool is_done_ = false;
};

JudgedLabels audit_run(const std::string& folder, const std::string& data_path,
                       const std::string& device, const std::string& judge, std::int64_t folds,
                       const nb::object& progress) {
  const GilReleased released;
  const RunFolder run = RunFolder::open(folder);
  const Recipe recipe = recipe_of_run(run, parse_device_choice(device), data_path);
  const Networks networks = load_networks(run, recipe);
  TrainingData data = reload_data(run, recipe);
  Reporter reporter(progress);
  auto audit = judge_run(run, networks, recipe, data, judge_options(judge, folds),
                         StopCondition(0.0), {{}, reporter.progress(), reporter.progress()});
  return judged_labels(std::move(*audit), std::move(data));
}

/// Writes the page of a run, as `bptplr report` does.
void write_report(const std::string& folder, const std::string& out, const std::string& data_path,
                  std::int64_t top) {
  ReportOptions options;
  options.data_path = data_path;
  options.top = top;
  write_file_atomically(out, report_page(make_report(RunFolder::open(folder), options)));
}

/// Returns near-duplicates and outliers of features [N, D] with labels [N].
nb::dict data_issues(const In<float, 2>& features, const In<std::int64_t, 1>& labels,
                     std::int64_t num_classes, const nb::object& progress) {
  const DataIssues issues = without_gil([&] {
    const std::vector<std::int64_t> given(labels.data(), labels.data() + labels.size());
    Reporter reporter(progress);
    return find_data_issues(
        Tensor::from(span_of(features), {static_cast<std::int64_t>(features.shape(0)),
                                         static_cast<std::int64_t>(features.shape(1))}),
        given, num_classes,
        [&](double share) { reporter(static_cast<std::int64_t>(100.0 * share), 100); });
  });
  return to_python(issues);
}

JudgedLabels audit_logits(const In<float, 2>& logits, const In<std::int64_t, 1>& labels,
                          const nb::object& progress) {
  return without_gil([&] {
    AuditEvidence evidence;
    evidence.logits = Tensor::from(span_of(logits), {static_cast<std::int64_t>(logits.shape(0)),
                                                     static_cast<std::int64_t>(logits.shape(1))});
    std::vector<std::int64_t> given(labels.data(), labels.data() + labels.size());
    Reporter reporter(progress);
    return JudgedLabels{audit_labels(std::move(evidence), given, reporter.progress()), given};
  });
}

}  // namespace

void bind_audit(nb::module_& module) {
  constexpr auto kOwned = nb::rv_policy::automatic;  // the arrays have owners
  nb::class_<JudgedLabels>(module, "Audit")
      .def_prop_ro(
          "labels", [](const JudgedLabels& j) { return to_numpy(j.labels); }, kOwned)
      .def_prop_ro(
          "wrong_probability",
          [](const JudgedLabels& j) { return to_numpy(j.audit.wrong_probability); }, kOwned)
      .def_prop_ro(
          "suggested", [](const JudgedLabels& j) { return to_numpy(j.audit.suggested); }, kOwned)
      .def_prop_ro(
          "ranking", [](const JudgedLabels& j) { return to_numpy(j.audit.ranking); }, kOwned)
      .def_prop_ro(
          "joint", [](const JudgedLabels& j) { return to_numpy(j.audit.joint); }, kOwned)
      .def_prop_ro(
          "transition", [](const JudgedLabels& j) { return to_numpy(j.audit.transition); }, kOwned)
      .def_prop_ro("expected_wrong", [](const JudgedLabels& j) { return j.audit.expected_wrong; })
      .def_prop_ro("wrong_interval",
                   [](const JudgedLabels& j) {
                     return std::pair(j.audit.wrong_interval[0], j.audit.wrong_interval[1]);
                   })
      .def_prop_ro(
          "learnt_noise",
          [](const JudgedLabels& j) { return j.audit.model ? j.audit.model->learnt_noise : 0.0; })
      .def_prop_ro("not_to_be_used", [](const JudgedLabels& j) { return j.audit.not_to_be_used; })
      .def_prop_ro("by_predictions",
                   [](const JudgedLabels& j) { return j.audit.evidence.has_partitions; })
      .def_prop_ro("has_data", [](const JudgedLabels& j) { return j.data != nullptr; })
      .def_prop_ro("class_names",
                   [](const JudgedLabels& j) {
                     return j.data ? j.data->dataset.class_names : std::vector<std::string>{};
                   })
      .def_prop_ro("files",
                   [](const JudgedLabels& j) {
                     return j.data ? j.data->dataset.train.files : std::vector<std::string>{};
                   })
      .def("suspects", &JudgedLabels::suspects, nb::arg("count"), nb::call_guard<GilReleased>());
  module.def("audit_run", &audit_run, nb::arg("folder"), nb::arg("data_path"), nb::arg("device"),
             nb::arg("judge"), nb::arg("folds"), nb::arg("progress").none());
  module.def("write_report", &write_report, nb::arg("folder"), nb::arg("out"), nb::arg("data_path"),
             nb::arg("top"), nb::call_guard<GilReleased>());
  module.def("data_issues", &data_issues, nb::arg("features"), nb::arg("labels"),
             nb::arg("num_classes"), nb::arg("progress").none());
  module.def("audit_logits", &audit_logits, nb::arg("logits"), nb::arg("labels"),
             nb::arg("progress").none());
}

}  // namespace bptplr::python
