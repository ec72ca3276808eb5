#include "bpt_plr/results/compare/files.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <limits>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "bpt_plr/recipe/fields.hpp"
#include "bpt_plr/recipe/json.hpp"
#include "bpt_plr/results/report/heading.hpp"
#include "bpt_plr/results/report/page.hpp"
#include "bpt_plr/results/report/page/report_files.hpp"
#include "data/csv.hpp"
#include "engine/error.hpp"
#include "engine/io/file.hpp"

namespace bptplr {
namespace {

using Json = nlohmann::ordered_json;

std::string number_or_nothing(double value) {
  return std::isfinite(value) ? fmt::format("{}", value) : "";
}

std::string csv_row(const ComparedRun& run) {
  std::string row = fmt::format("{},{},", csv_field(run.label), run.recipe.seed);
  if (run.failure.empty()) {
    const auto& labels = run.wrong_labels;
    row += fmt::format(
        "done,{},{},{},{},{},{},{:.1f},", number_or_nothing(run.best_acc),
        number_or_nothing(run.mean_last10), number_or_nothing(run.last_acc),
        number_or_nothing(run.auc),
        labels ? fmt::format("{},{},{}", labels->wrong, labels->flagged, labels->found) : ",,",
        run.accuracies.size(), run.seconds);
  } else {
    row += "failed,,,,,,,,,,";
  }
  return row + fmt::format("{},{:016x},{},{}\n", run.recipe.device, run.data_hash,
                           csv_field(fmt::format("{}", fmt::join(run.changes, " "))),
                           csv_field(run.failure));
}

Json to_json(const MeanDeviation& summary, const std::vector<const ComparedRun*>& runs,
             double (*value)(const ComparedRun&)) {
  Json json{{"mean", number_or_null(summary.mean)},
            {"deviation", number_or_null(summary.deviation)},
            {"values", Json::array()}};
  for (const ComparedRun* run : runs) json["values"].push_back(number_or_null(value(*run)));
  return json;
}

/// Returns test accuracy by epoch: the mean of the runs, and one deviation below and above it; null
/// for epochs that no run has reached.
Json curve_of(const std::vector<const ComparedRun*>& runs, std::size_t epochs) {
  Json curve{{"mean", Json::array()}, {"low", Json::array()}, {"high", Json::array()}};
  for (std::size_t epoch = 0; epoch < epochs; ++epoch) {
    std::vector<double> accuracies;
    for (const ComparedRun* run : runs) {
      if (epoch < run->accuracies.size()) accuracies.push_back(run->accuracies[epoch]);
    }
    const MeanDeviation of = mean_deviation(accuracies);
    curve["mean"].push_back(number_or_null(of.mean));
    curve["low"].push_back(number_or_null(of.mean - of.deviation));
    curve["high"].push_back(number_or_null(of.mean + of.deviation));
  }
  return curve;
}

Json label_report(const LabelSummary& summary, const Comparison& comparison, std::size_t epochs) {
  const auto runs = comparison.done(summary.label);
  Json json{{"label", summary.label},
            {"asked", summary.asked},
            {"done", summary.done},
            {"failed", summary.failed},
            {"seeds", Json::array()}};
  for (const ComparedRun* run : runs) json["seeds"].push_back(run->recipe.seed);
  json["best_acc"] =
      to_json(summary.best_acc, runs, [](const ComparedRun& run) { return run.best_acc; });
  json["mean_last10"] =
      to_json(summary.mean_last10, runs, [](const ComparedRun& run) { return run.mean_last10; });
  json["auc"] = to_json(summary.auc, runs, [](const ComparedRun& run) { return run.auc; });
  json["minutes"] =
      to_json(summary.minutes, runs, [](const ComparedRun& run) { return run.seconds / 60.0; });
  json["curve"] = curve_of(runs, epochs);
  return json;
}

/// Returns the fields that differ between labels, with the value of each label (null without a
/// run); seeds and fields about where to compute are left out.
Json settings_that_differ(const Comparison& comparison) {
  std::vector<Json> recipes;
  for (const std::string& label : comparison.labels) {
    const auto run = std::ranges::find(comparison.runs, label, &ComparedRun::label);
    recipes.push_back(run == comparison.runs.end() ? Json() : to_json(run->recipe));
  }
  Json differences = Json::array();
  for (const RecipeField& field : recipe_fields()) {
    const std::string name = field.name;
    if (name == "seed" || !changes_results(field)) continue;
    Json values = Json::array();
    Json known = Json::array();
    for (const Json& recipe : recipes) {
      values.push_back(recipe.is_null() ? Json() : recipe.at(name));
      if (!recipe.is_null()) known.push_back(recipe.at(name));
    }
    const bool same = std::ranges::all_of(known, [&](const Json& v) { return v == known[0]; });
    if (!same) differences.push_back({{"field", name}, {"values", std::move(values)}});
  }
  return differences;
}

/// Returns the training images of a resolved recipe where it says how many there are, else 0.
std::int64_t count_images(const Recipe& recipe) {
  if (recipe.subset > 0) return recipe.subset;
  return recipe.dataset == DatasetKind::kShapes ? recipe.shapes_train : 0;
}

Heading heading_of(const Comparison& comparison, const std::string& name) {
  Heading heading{"bptplr comparison", ""};
  if (!comparison.runs.empty()) {
    const Recipe& recipe = comparison.runs.front().recipe;
    heading.data = describe_data(recipe, count_images(recipe), recipe.num_class);
  }
  const std::size_t seeds = comparison.seeds.size();
  heading.about =
      fmt::format("{} compared with {} seed{}, {}, in {}", fmt::join(comparison.labels, ", "),
                  seeds, seeds == 1 ? "" : "s", day_of(std::time(nullptr)), name);
  return heading;
}

}  // namespace

std::string comparison_csv(const Comparison& comparison) {
  std::string table =
      "label,seed,result,best_acc,mean_last10,last_acc,auc,wrong,flagged,found,epochs,seconds,"
      "device,data_hash,changes,failure\n";
  for (const std::string& label : comparison.labels) {
    for (const std::int64_t seed : comparison.seeds) {
      const ComparedRun* run = comparison.find(label, seed);
      if (run != nullptr) table += csv_row(*run);
    }
  }
  return table;
}

std::string comparison_markdown(const Comparison& comparison) {
  std::string table =
      "| | seeds | best accuracy, % | mean of the last 10 epochs, % | AUC | minutes |\n"
      "|---|---|---|---|---|---|\n";
  for (const LabelSummary& of : summarize(comparison)) {
    table += fmt::format("| {} | {}{}{} | {} | {} | {} | {} |\n", of.label, of.done,
                         of.done < of.asked ? fmt::format(" of {}", of.asked) : "",
                         of.failed > 0 ? fmt::format(", {} failed", of.failed) : "",
                         to_text(of.best_acc, 2), to_text(of.mean_last10, 2), to_text(of.auc, 4),
                         to_text(of.minutes, 1));
  }
  return table;
}

Json comparison_report(const Comparison& comparison, const std::string& name) {
  std::size_t epochs = 0;
  for (const ComparedRun& run : comparison.runs) epochs = std::max(epochs, run.accuracies.size());
  Json report{{"name", name}, {"seeds", comparison.seeds}};
  report["epochs"] = Json::array();
  for (std::size_t epoch = 0; epoch < epochs; ++epoch) report["epochs"].push_back(epoch);
  report["labels"] = Json::array();
  for (const LabelSummary& summary : summarize(comparison)) {
    report["labels"].push_back(label_report(summary, comparison, epochs));
  }
  report["failures"] = Json::array();
  for (const ComparedRun& run : comparison.runs) {
    if (run.failure.empty()) continue;
    report["failures"].push_back(
        {{"label", run.label}, {"seed", run.recipe.seed}, {"sentence", run.failure}});
  }
  report["differences"] = settings_that_differ(comparison);
  return report;
}

void write_comparison(const std::filesystem::path& folder, const Comparison& comparison) {
  write_file_atomically(folder / "compare.csv", comparison_csv(comparison));
  write_file_atomically(folder / "compare.md", comparison_markdown(comparison));
  const std::string name = last_part(folder);
  const Json report = comparison_report(comparison, name);
  write_file_atomically(folder / "compare.html",
                        html_page(report_files::kComparePage, report_files::kCompareScript,
                                  heading_of(comparison, name), report));
}

}  // namespace bptplr
