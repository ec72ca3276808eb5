// Judged labels and issues, as Python gets them.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/stl/vector.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bpt_plr/results/issues/data_issues.hpp"
#include "bpt_plr/results/judges/judges.hpp"
#include "bpt_plr/results/report/suspects.hpp"
#include "engine/error.hpp"
#include "engine/io/json.hpp"

namespace bptplr::python {

namespace nb = nanobind;

/// Audit together with the labels that it judged, and the data of the run that it is of.
struct JudgedLabels {
  Audit audit;
  std::vector<std::int64_t> labels;
  std::shared_ptr<const TrainingData> data = nullptr;

  /// Returns what pages show of the first `count` suspects, as JSON.
  std::string suspects(std::int64_t count) const {
    return to_text(suspect_items(audit, *data, count));
  }
};

inline JudgedLabels judged_labels(Audit audit, TrainingData data) {
  std::vector<std::int64_t> labels = data.noisy_labels;
  return {std::move(audit), std::move(labels),
          std::make_shared<const TrainingData>(std::move(data))};
}

inline JudgeOptions judge_options(const std::string& judge, std::int64_t folds) {
  const auto named = value_named<Judge>(judge);
  require(
      named.has_value() && folds >= 2,
      "judge is '{}' with {} folds, but must be auto, networks, kernel or folds, with 2 or more",
      judge, folds);
  return {*named, folds};
}

inline nb::dict to_python(const DataIssues& issues) {
  nb::dict found;
  found["neighbours"] = issues.neighbours.index;
  found["distances"] = issues.neighbours.distance;
  found["k"] = issues.neighbours.k;
  found["near_duplicate_score"] = issues.near_duplicates.score;
  found["is_near_duplicate"] = issues.near_duplicates.is_one;
  found["near_duplicate_sets"] = issues.near_duplicates.sets;
  found["outlier_score"] = issues.outliers.score;
  found["is_outlier"] = issues.outliers.is_one;
  found["rare_classes"] = issues.rare_classes;
  return found;
}

}  // namespace bptplr::python
