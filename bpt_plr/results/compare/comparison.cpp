#include "bpt_plr/results/compare/comparison.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "bpt_plr/recipe/builtin.hpp"
#include "bpt_plr/recipe/json.hpp"
#include "bpt_plr/results/report/history.hpp"
#include "bpt_plr/run/log_lines.hpp"
#include "engine/error.hpp"
#include "engine/io/json.hpp"

namespace bptplr {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

double number_or_nan(const Json& value) {
  return value.is_number() ? value.get<double>() : kUnknown;
}

std::optional<WrongLabels> wrong_labels_of(const Json& counts) {
  if (!counts.is_object()) return {};
  return WrongLabels{counts.at("wrong"), counts.at("flagged"), counts.at("found")};
}

/// Takes the figures of a run from its lines, of which there is one at least.
void take_figures(ComparedRun& run, const RunHistory& history) {
  const ReportSection result = report_result(history);
  run.best_acc = number_or_nan(result.at("best_acc"));
  run.mean_last10 = number_or_nan(result.at("mean_last10"));
  run.last_acc = number_or_nan(result.at("test_acc"));
  run.wrong_labels = wrong_labels_of(result.at("wrong_labels"));
  run.auc = number_or_nan(mean_of_networks(history.metrics.back(), "auc"));
  run.seconds = training_seconds(history);
  run.accuracies.clear();
  const ReportSection curves = report_curves(history);
  for (const Json& accuracy : curves.at("accuracy")) {
    run.accuracies.push_back(number_or_nan(accuracy));
  }
}

/// Sorts runs by label and seed, so that it does not show which process ended first.
void sort_runs(Comparison& comparison) {
  const auto place = [&](const ComparedRun& run) {
    const auto label = std::ranges::find(comparison.labels, run.label);
    return std::pair(label - comparison.labels.begin(), run.recipe.seed);
  };
  std::ranges::sort(comparison.runs, {}, place);
}

}  // namespace

void take_results(ComparedRun& run, const std::vector<Json>& metrics) {
  require(!metrics.empty(), "{} holds no metrics.jsonl, so its results are not known; remove it",
          run.recipe.out);
  with_lines_of(run.recipe.out, [&] { take_figures(run, {metrics, {}}); });
}

Json number_or_null(double value) {
  return std::isfinite(value) ? Json(value) : Json(nullptr);
}

Json to_json(const ComparedRun& run) {
  Json json{{"label", run.label}, {"seed", run.recipe.seed}};
  if (run.failure.empty()) {
    json["best_acc"] = number_or_null(run.best_acc);
    json["mean_last10"] = number_or_null(run.mean_last10);
    json["last_acc"] = number_or_null(run.last_acc);
    json["auc"] = number_or_null(run.auc);
    const auto& labels = run.wrong_labels;
    json["wrong_labels"] =
        labels
            ? Json{{"wrong", labels->wrong}, {"flagged", labels->flagged}, {"found", labels->found}}
            : Json(nullptr);
    json["epochs"] = run.accuracies.size();
    json["seconds"] = run.seconds;
    json["accuracy"] = Json::array();
    for (const double accuracy : run.accuracies) {
      json["accuracy"].push_back(number_or_null(accuracy));
    }
  } else {
    json["failed"] = run.failure;
  }
  json["device"] = name_of(run.recipe.device);
  json["data_hash"] = fmt::format("{:016x}", run.data_hash);
  json["data_hash_format"] = run.data_hash_format;
  json["changes"] = run.changes;
  json["recipe"] = to_json(run.recipe);
  return json;
}

ComparedRun compared_run(const Json& line, const std::string& origin) {
  try {
    ComparedRun run;
    line.at("label").get_to(run.label);
    run.recipe = compose_recipe(line.at("recipe"), origin, nlohmann::json::object());
    require(line.at("seed") == run.recipe.seed, "{}: seed is {}, but its recipe has {}", origin,
            to_text(line.at("seed")), run.recipe.seed);
    line.at("changes").get_to(run.changes);
    run.data_hash = std::stoull(line.at("data_hash").get<std::string>(), nullptr, 16);
    run.data_hash_format = line.value("data_hash_format", 1);  // the first format had no number
    if (line.contains("failed")) {
      line.at("failed").get_to(run.failure);
      return run;
    }
    run.best_acc = number_or_nan(line.at("best_acc"));
    run.mean_last10 = number_or_nan(line.at("mean_last10"));
    run.last_acc = number_or_nan(line.at("last_acc"));
    run.auc = number_or_nan(line.at("auc"));
    run.wrong_labels = wrong_labels_of(line.at("wrong_labels"));
    line.at("seconds").get_to(run.seconds);
    for (const Json& accuracy : line.at("accuracy")) {
      run.accuracies.push_back(number_or_nan(accuracy));
    }
    return run;
  } catch (const nlohmann::json::exception& error) {
    throw Error("{} is no run of a comparison ({})", origin, without_prefix(error.what()));
  } catch (const std::logic_error&) {  // thrown by stoull
    throw Error("{} is no run of a comparison (its data_hash is no number)", origin);
  }
}

MeanDeviation mean_deviation(std::span<const double> values) {
  MeanDeviation result;
  double sum = 0.0;
  for (const double value : values) {
    if (std::isnan(value)) continue;
    sum += value;
    ++result.count;
  }
  if (result.count > 0) result.mean = sum / static_cast<double>(result.count);
  double squares = 0.0;
  for (const double value : values) {
    if (!std::isnan(value)) squares += (value - result.mean) * (value - result.mean);
  }
  if (result.count > 1) {
    result.deviation = std::sqrt(squares / static_cast<double>(result.count - 1));
  }
  return result;
}

std::string to_text(const MeanDeviation& value, int decimals) {
  if (value.count == 0) return "-";
  std::string mean = fmt::format("{:.{}f}", value.mean, decimals);
  if (value.count == 1) return mean;
  return fmt::format("{} ± {:.{}f}", mean, value.deviation, decimals);
}

const ComparedRun* Comparison::find(const std::string& label, std::int64_t seed) const {
  const auto found = std::ranges::find_if(
      runs, [&](const ComparedRun& run) { return run.label == label && run.recipe.seed == seed; });
  return found == runs.end() ? nullptr : &*found;
}

std::vector<const ComparedRun*> Comparison::done(const std::string& label) const {
  std::vector<const ComparedRun*> done;
  for (const std::int64_t seed : seeds) {
    const ComparedRun* run = find(label, seed);
    if (run != nullptr && run->failure.empty()) done.push_back(run);
  }
  return done;
}

Comparison gather(std::span<const ComparedRun> lines, std::vector<std::string> labels,
                  std::span<const std::int64_t> seeds) {
  Comparison comparison{std::move(labels), {seeds.begin(), seeds.end()}, {}};
  for (const ComparedRun& line : lines) {
    if (std::ranges::find(comparison.labels, line.label) == comparison.labels.end()) {
      comparison.labels.push_back(line.label);
    }
    comparison.seeds.push_back(line.recipe.seed);
    std::erase_if(comparison.runs, [&](const ComparedRun& run) {
      return run.label == line.label && run.recipe.seed == line.recipe.seed;
    });
    comparison.runs.push_back(line);
  }
  std::ranges::sort(comparison.seeds);
  comparison.seeds.erase(std::unique(comparison.seeds.begin(), comparison.seeds.end()),
                         comparison.seeds.end());
  sort_runs(comparison);
  return comparison;
}

std::vector<LabelSummary> summarize(const Comparison& comparison) {
  std::vector<LabelSummary> summaries;
  for (const std::string& label : comparison.labels) {
    LabelSummary summary;
    summary.label = label;
    summary.asked = std::ssize(comparison.seeds);
    const auto done = comparison.done(label);
    summary.done = std::ssize(done);
    summary.failed = std::ranges::count_if(comparison.runs, [&](const ComparedRun& run) {
      return run.label == label && !run.failure.empty();
    });
    const auto of = [&](double (*value)(const ComparedRun&)) {
      std::vector<double> values(done.size());
      std::ranges::transform(done, values.begin(),
                             [&](const ComparedRun* run) { return value(*run); });
      return mean_deviation(values);
    };
    summary.best_acc = of([](const ComparedRun& run) { return run.best_acc; });
    summary.mean_last10 = of([](const ComparedRun& run) { return run.mean_last10; });
    summary.auc = of([](const ComparedRun& run) { return run.auc; });
    summary.minutes = of([](const ComparedRun& run) { return run.seconds / 60.0; });
    summaries.push_back(std::move(summary));
  }
  return summaries;
}

}  // namespace bptplr
