#include "bpt_plr/results/report/report.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "bpt_plr/recipe/builtin.hpp"
#include "bpt_plr/recipe/json.hpp"
#include "bpt_plr/recipe/stages.hpp"
#include "bpt_plr/results/audit/audit.hpp"
#include "bpt_plr/results/audit/summary.hpp"
#include "bpt_plr/results/issues/data_issues.hpp"
#include "bpt_plr/results/judges/judges.hpp"
#include "bpt_plr/results/report/heading.hpp"
#include "bpt_plr/results/report/history.hpp"
#include "bpt_plr/results/report/suspects.hpp"
#include "bpt_plr/run/log_lines.hpp"
#include "bpt_plr/run/run_data.hpp"
#include "bpt_plr/run/trained_run.hpp"
#include "bpt_plr/train/training_data.hpp"
#include "bpt_plr/train/view_maker.hpp"
#include "data/noise/noise.hpp"
#include "engine/error.hpp"
#include "engine/io/file.hpp"
#include "engine/io/json.hpp"
#include "engine/io/open_file.hpp"
#include "engine/ops.hpp"

namespace bptplr {
namespace {

using Labels = std::vector<std::int64_t>;

/// Value computed at its first use. If the computation throws Error, so does every later use.
template <class T>
class OnDemand {
 public:
  explicit OnDemand(std::function<T()> make) : make_(std::move(make)) {}

  const T& get() {
    if (!value_ && !error_) {
      try {
        value_ = make_();
      } catch (const Error& error) {
        error_ = error;
      }
    }
    if (error_) throw Error(*error_);
    return *value_;
  }

  bool is_there() {
    try {
      get();
    } catch (const Error&) {
      return false;
    }
    return true;
  }

 private:
  std::function<T()> make_;
  std::optional<T> value_;
  std::optional<Error> error_;
};

/// Returns the section that `make` returns, or a "missing" section with the Error it throws.
template <class Make>
ReportSection section(const Make& make) {
  try {
    return make();
  } catch (const Error& error) {
    return {{"missing", fmt::format("This cannot be shown: {}.", error.what())}};
  }
}

std::vector<std::string> class_names(const RunFolder& run, const Recipe& recipe,
                                     OnDemand<TrainingData>& data) {
  if (data.is_there()) return data.get().dataset.class_names;
  try {
    return run.read_classes().class_names;
  } catch (const Error&) {
    std::vector<std::string> names;
    for (std::int64_t c = 0; c < recipe.num_class; ++c) names.push_back(fmt::format("class {}", c));
    return names;
  }
}

/// Reads noise.json, for which no data set needs to be read.
Labels given_labels(const RunFolder& run, const Recipe& recipe) {
  const auto list = parse_json_or_none(read_file(run.noise_file()));
  return read_noise_file(run.noise_file(), static_cast<std::int64_t>(list.size()),
                         recipe.num_class);
}

/// Returns the class with the largest logit of each row.
Labels predictions(const Tensor& logits) {
  Labels classes;
  for (std::int64_t i = 0; i < logits.size(0); ++i) {
    const auto row = logits.rows(i, i + 1).span<float>();
    classes.push_back(std::ranges::max_element(row) - row.begin());
  }
  return classes;
}

double accuracy(const Labels& predicted, const Labels& labels) {
  std::int64_t correct = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) correct += predicted[i] == labels[i] ? 1 : 0;
  return 100.0 * static_cast<double>(correct) / static_cast<double>(labels.size());
}

/// Returns the epochs of each warm-up as [first epoch, first epoch after it].
ReportSection report_warm_up(const Recipe& recipe) {
  ReportSection ranges = ReportSection::array();
  for (const Stage& stage : stages_of(recipe)) {
    if (divides(stage.recipe)) ranges.push_back({stage.first_epoch, stage.warm_up_end()});
  }
  return ranges;
}

ReportSection test_section(const Networks& networks, const Recipe& recipe, const Dataset& dataset) {
  require(dataset.test.size() > 0, "there are no test samples");
  const NoGrad no_grad;
  const auto views = make_view_maker(recipe, dataset, dataset.test);
  const Labels& labels = dataset.test.labels;
  ReportSection test{{"images", labels.size()}, {"networks", ReportSection::array()}};
  Tensor sum;
  for (Network* network : pointers_to(networks)) {
    const Tensor logits = summed_logits({network}, *views);
    test["networks"].push_back(accuracy(predictions(logits), labels));
    sum = test["networks"].size() == 1 ? logits : add(sum, logits);
  }
  const Labels predicted = predictions(sum);
  test["together"] = accuracy(predicted, labels);
  const auto classes = static_cast<std::size_t>(dataset.num_classes());
  std::vector<Labels> confusion(classes, Labels(classes));
  for (std::size_t i = 0; i < labels.size(); ++i) {
    ++confusion[static_cast<std::size_t>(labels[i])][static_cast<std::size_t>(predicted[i])];
  }
  test["confusion"] = confusion;
  return test;
}

/// Returns a matrix [classes, classes] as rows, rounded to the precision that a page shows.
ReportSection rows_of(std::span<const double> matrix, std::int64_t classes) {
  ReportSection rows = ReportSection::array();
  for (std::int64_t i = 0; i < classes; ++i) {
    ReportSection row = ReportSection::array();
    for (std::int64_t j = 0; j < classes; ++j) {
      row.push_back(std::round(1e4 * matrix[static_cast<std::size_t>(i * classes + j)]) / 1e4);
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

/// Returns remarks that readers of an audit need.
ReportSection notes_on(const Audit& audit) {
  ReportSection notes = ReportSection::array();
  if (!audit.evidence.has_partitions) {
    notes.push_back(
        "The networks have not been trained on a partition of the training set (warm-up, or a "
        "baseline), so labels are judged by the classifier's loss alone, which is less sure.");
  }
  if (!audit.not_to_be_used.empty()) {
    notes.push_back("Not to be used: " + audit.not_to_be_used + ".");
  }
  return notes;
}

ReportSection noise_section(const Audit& audit, const TrainingData& data) {
  const std::int64_t classes = data.dataset.num_classes();
  const AuditSummary summary = summarize(audit, data);
  ReportSection noise{{"samples", summary.samples},
                      {"expected_wrong", summary.expected_wrong},
                      {"expected_wrong_95", summary.wrong_interval},
                      {"note", notes_on(audit)}};
  noise["estimated"] = rows_of(audit.transition, classes);
  noise["known"] = nullptr;
  if (summary.known) {
    noise["wrong"] = summary.known->labels.wrong;
    noise["known"] =
        rows_of(transition_matrix(data.noisy_labels, data.true_labels, classes), classes);
  }
  return noise;
}

ReportSection suspects_section(const Audit& audit, const TrainingData& data, std::int64_t top) {
  const AuditSummary summary = summarize(audit, data);
  const auto [width, height] = picture_sides(data.dataset.train);
  ReportSection suspects{{"samples", summary.samples},
                         {"width", width},
                         {"height", height},
                         {"flagged", summary.flagged},
                         {"known", nullptr},
                         {"note", notes_on(audit)},
                         {"items", suspect_items(audit, data, top)}};
  if (summary.known) {
    suspects["known"] = {{"wrong", summary.known->labels.wrong},
                         {"found", summary.known->labels.found},
                         {"auc", summary.known->auc}};
  }
  return suspects;
}

/// Samples that the section on near-duplicates and outliers shows of each.
constexpr std::size_t kShownIssues = 12;

/// Returns near-duplicates, those with different labels first, and the farthest outliers.
ReportSection issues_section(const std::optional<DataIssues>& issues, const Audit& audit,
                             const TrainingData& data, std::int64_t top) {
  require(issues.has_value(), "there are too many samples to compare all of them");
  const auto [width, height] = picture_sides(data.dataset.train);
  ReportSection section{{"found", describe(*issues, data.dataset)},
                        {"width", width},
                        {"height", height},
                        {"duplicates", ReportSection::array()}};
  const std::size_t shown = std::min(kShownIssues, static_cast<std::size_t>(top));
  std::vector<std::vector<std::int64_t>> sets;
  for (const LabelConflict& conflict : issues->conflicts) sets.push_back(conflict.samples);
  for (const auto& set : issues->near_duplicates.sets) {
    if (std::ranges::find(sets, set) == sets.end()) sets.push_back(set);
  }
  for (std::size_t s = 0; s < std::min(sets.size(), shown); ++s) {
    sets[s].resize(std::min(sets[s].size(), kShownIssues));
    section["duplicates"].push_back(sample_items(audit, data, sets[s]));
  }
  std::vector<std::int64_t> outliers;
  for (std::size_t i = 0; i < issues->outliers.is_one.size(); ++i) {
    if (issues->outliers.is_one[i]) outliers.push_back(static_cast<std::int64_t>(i));
  }
  std::ranges::stable_sort(outliers, {}, [&](std::int64_t i) {
    return issues->outliers.score[static_cast<std::size_t>(i)];
  });
  outliers.resize(std::min(outliers.size(), shown));
  section["outliers"] = sample_items(audit, data, outliers);
  return section;
}

/// Returns the number of training images, by the list of their labels; 0 if there is none.
std::int64_t count_images(const RunFolder& run) {
  if (!path_exists(run.noise_file())) return 0;
  const auto labels = parse_json_or_none(read_file(run.noise_file()));
  return labels.is_array() ? static_cast<std::int64_t>(labels.size()) : 0;
}

nlohmann::ordered_json report_of(const RunFolder& run, const ReportOptions& options,
                                 const LoadReport& loading) {
  const Recipe recipe = recipe_of_run(run, options.device, options.data_path);
  const RunHistory history{run.read_metrics(), run.read_selection()};
  OnDemand<TrainingData> data([&] { return reload_data(run, recipe, loading); });
  OnDemand<Networks> networks([&] { return load_networks(run, recipe); });
  OnDemand<Audit> audit([&] {
    return *judge_run(run, networks.get(), recipe, data.get(), options.judge, StopCondition(0.0),
                      {loading.progress, {}, {}});
  });

  ReportSection report{{"run", run.path().string()},      {"dataset", name_of(recipe.dataset)},
                       {"method", recipe.method},         {"epochs_done", history.metrics.size()},
                       {"num_epochs", recipe.num_epochs}, {"warm_up", report_warm_up(recipe)}};
  report["classes"] = class_names(run, recipe, data);
  const std::string day = day_of_run(run.path());
  report["images"] = count_images(run);
  report["date"] = day;
  report["heading"] = describe_data(recipe, report["images"].get<std::int64_t>(),
                                    static_cast<std::int64_t>(report["classes"].size()));
  report["about"] = fmt::format("trained with {}{}{}, in {}", recipe.method,
                                day.empty() ? "" : " on ", day, run.path().string());
  report["result"] = report_result(history);
  report["curves"] = report_curves(history);
  report["selection"] = section([&] {
    return data.is_there()
               ? report_selection(history, recipe, data.get().noisy_labels, data.get().true_labels)
               : report_selection(history, recipe, {}, {});
  });
  report["balance"] =
      section([&] { return report_balance(history, recipe, given_labels(run, recipe)); });
  report["test"] =
      section([&] { return test_section(networks.get(), recipe, data.get().dataset); });
  report["noise"] = section([&] { return noise_section(audit.get(), data.get()); });
  report["suspects"] =
      section([&] { return suspects_section(audit.get(), data.get(), options.top); });
  report["issues"] = section([&] {
    return issues_section(
        find_data_issues(FindIssues::kAuto, networks.get(), recipe, data.get(), loading.progress),
        audit.get(), data.get(), options.top);
  });
  report["recipe"] = {{"changes", deviations(recipe)}, {"fields", to_json(recipe)}};
  return report;
}

}  // namespace

nlohmann::ordered_json make_report(const RunFolder& run, const ReportOptions& options,
                                   const LoadReport& loading) {
  return with_lines_of(run.path(), [&] { return report_of(run, options, loading); });
}

}  // namespace bptplr
