#include "bpt_plr/results/issues/data_issues.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "bpt_plr/results/issues/sample_features.hpp"
#include "data/csv.hpp"
#include "engine/io/file.hpp"

namespace bptplr {
namespace {

/// Share of an equal share of the samples below which a class counts as rare, as in Datalab.
constexpr double kRareShare = 0.1;

std::vector<std::int64_t> class_sizes(const std::vector<std::int64_t>& labels,
                                      std::int64_t num_classes) {
  std::vector<std::int64_t> sizes(static_cast<std::size_t>(num_classes));
  for (const std::int64_t label : labels) ++sizes[static_cast<std::size_t>(label)];
  return sizes;
}

double equal_share(std::int64_t samples, std::int64_t num_classes) {
  return static_cast<double>(samples) / static_cast<double>(num_classes);
}

/// Returns the set that each sample is in, -1: none.
std::vector<std::int64_t> set_of_sample(const NearDuplicates& duplicates, std::size_t samples) {
  std::vector<std::int64_t> set(samples, -1);
  for (std::size_t s = 0; s < duplicates.sets.size(); ++s) {
    for (const std::int64_t i : duplicates.sets[s]) {
      set[static_cast<std::size_t>(i)] = static_cast<std::int64_t>(s);
    }
  }
  return set;
}

/// Columns of near-duplicates: whether it is one, score, the others of its set, and the distance.
std::string duplicate_columns(const DataIssues& issues, std::size_t i, std::int64_t set) {
  if (issues.neighbours.k == 0) return "False,1,,";
  std::vector<std::int64_t> others;
  if (set >= 0) {
    std::ranges::copy_if(issues.near_duplicates.sets[static_cast<std::size_t>(set)],
                         std::back_inserter(others),
                         [&](std::int64_t s) { return s != static_cast<std::int64_t>(i); });
  }
  const auto k = static_cast<std::size_t>(issues.neighbours.k);
  return fmt::format("{},{:.6g},{},{:.6g}", set >= 0 ? "True" : "False",
                     issues.near_duplicates.score[i],
                     others.empty() ? "" : csv_field(fmt::format("{}", fmt::join(others, " "))),
                     issues.neighbours.distance[i * k]);
}

std::string outlier_columns(const DataIssues& issues, std::size_t i) {
  if (issues.neighbours.k == 0) return "False,1";
  return fmt::format("{},{:.6g}", issues.outliers.is_one[i] ? "True" : "False",
                     issues.outliers.score[i]);
}

}  // namespace

DataIssues find_data_issues(const Tensor& features, const std::vector<std::int64_t>& labels,
                            std::int64_t num_classes,
                            const std::function<void(double share)>& progress) {
  DataIssues issues;
  issues.neighbours = find_neighbours(features, kNeighbours, progress);
  issues.near_duplicates = find_near_duplicates(issues.neighbours);
  issues.outliers = find_outliers(issues.neighbours);
  for (const auto& set : issues.near_duplicates.sets) {
    std::set<std::int64_t> given;
    for (const std::int64_t i : set) given.insert(labels[static_cast<std::size_t>(i)]);
    if (given.size() > 1) issues.conflicts.push_back({set});
  }
  const auto sizes = class_sizes(labels, num_classes);
  for (std::size_t c = 0; c < sizes.size(); ++c) {
    const bool is_rare =
        static_cast<double>(sizes[c]) < kRareShare * equal_share(std::ssize(labels), num_classes);
    if (is_rare) issues.rare_classes.push_back(static_cast<std::int64_t>(c));
  }
  return issues;
}

std::optional<DataIssues> find_data_issues(FindIssues wanted, const Networks& networks,
                                           const Recipe& recipe, const TrainingData& data,
                                           const EvaluationProgress& evaluating,
                                           const std::function<void(double share)>& comparing) {
  const bool is_small = data.dataset.train.size() <= kMostCompared;
  if (wanted == FindIssues::kOff || (wanted == FindIssues::kAuto && !is_small)) return std::nullopt;
  return find_data_issues(sample_features(networks, recipe, data, evaluating), data.noisy_labels,
                          data.dataset.num_classes(), comparing);
}

std::string describe(const DataIssues& issues, const Dataset& dataset) {
  const auto count = [](const std::vector<bool>& flags) { return std::ranges::count(flags, true); };
  const auto outliers = count(issues.outliers.is_one);
  const auto sets = issues.near_duplicates.sets.size();
  std::string text =
      sets == 0
          ? "no near-duplicates"
          : fmt::format("{} near-duplicates in {} set{}, {} of which {} different labels",
                        count(issues.near_duplicates.is_one), sets, sets == 1 ? "" : "s",
                        issues.conflicts.size(), issues.conflicts.size() == 1 ? "has" : "have");
  text += outliers == 0 ? ", no outliers"
                        : fmt::format(", {} outlier{}", outliers, outliers == 1 ? "" : "s");
  std::vector<std::string> rare;
  for (const std::int64_t c : issues.rare_classes) {
    rare.push_back(dataset.class_names[static_cast<std::size_t>(c)]);
  }
  if (!rare.empty()) text += fmt::format("; rare classes: {}", fmt::join(rare, ", "));
  return text;
}

void write_issues(const std::filesystem::path& file, const Audit& audit, const DataIssues& issues,
                  const TrainingData& data) {
  const Split& train = data.dataset.train;
  const auto name = [&](std::int64_t label) {
    return csv_field(data.dataset.class_names[static_cast<std::size_t>(label)]);
  };
  const auto sets = set_of_sample(issues.near_duplicates, data.noisy_labels.size());
  const auto sizes = class_sizes(data.noisy_labels, data.dataset.num_classes());
  std::string table =
      "index,path,given_label,predicted_label,is_label_issue,label_score,"
      "is_near_duplicate_issue,near_duplicate_score,near_duplicate_sets,"
      "distance_to_nearest_neighbor,is_outlier_issue,outlier_score,is_class_imbalance_issue,"
      "class_imbalance_score\n";
  for (std::size_t i = 0; i < data.noisy_labels.size(); ++i) {
    const std::int64_t given = data.noisy_labels[i];
    const double wrong = audit.wrong_probability[i];
    const bool is_rare = std::ranges::find(issues.rare_classes, given) != issues.rare_classes.end();
    const double share = static_cast<double>(sizes[static_cast<std::size_t>(given)]) /
                         equal_share(std::ssize(data.noisy_labels), data.dataset.num_classes());
    table +=
        fmt::format("{},{},{},{},{},{:.6f},{},{},{},{:.6g}\n", i,
                    train.files.empty() ? "" : csv_field(train.files[i]), name(given),
                    name(wrong > 0.5 ? audit.suggested[i] : given), wrong > 0.5 ? "True" : "False",
                    1.0 - wrong, duplicate_columns(issues, i, sets[i]), outlier_columns(issues, i),
                    is_rare ? "True" : "False", is_rare ? share : 1.0);
  }
  write_file_atomically(file, table);
}

nlohmann::ordered_json to_json(const DataIssues& issues, const Dataset& dataset) {
  const auto count = [](const std::vector<bool>& flags) { return std::ranges::count(flags, true); };
  nlohmann::ordered_json json{{"near_duplicates", count(issues.near_duplicates.is_one)},
                              {"near_duplicate_sets", issues.near_duplicates.sets},
                              {"conflicting_sets", nlohmann::ordered_json::array()},
                              {"outliers", count(issues.outliers.is_one)},
                              {"rare_classes", nlohmann::ordered_json::array()}};
  for (const LabelConflict& conflict : issues.conflicts) {
    json["conflicting_sets"].push_back(conflict.samples);
  }
  for (const std::int64_t c : issues.rare_classes) {
    json["rare_classes"].push_back(dataset.class_names[static_cast<std::size_t>(c)]);
  }
  return json;
}

}  // namespace bptplr
