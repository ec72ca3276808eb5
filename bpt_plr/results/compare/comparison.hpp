// Runs beside each other: what a comparison keeps of every run, and what those of several seeds
// come to.
#pragma once

#include <cstdint>
#include <limits>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bpt_plr/recipe/recipe.hpp"
#include "bpt_plr/train/checkpoint.hpp"
#include "bpt_plr/train/metrics.hpp"

namespace bptplr {

/// One run of a comparison: a line of runs.jsonl.
struct ComparedRun {
  std::string label;                 ///< what is compared: a method, or a recipe by its name
  Recipe recipe;                     ///< resolved
  std::vector<std::string> changes;  ///< what it changes of its preset (deviations)
  std::uint64_t data_hash = 0;       ///< hash_training_data, in that format:
  int data_hash_format = kCheckpointFormat;
  std::string failure;       ///< why it has no results; empty: it has
  double best_acc = 0.0;     ///< percent, of all epochs
  double mean_last10 = 0.0;  ///< percent, mean over the last ten epochs
  double last_acc = 0.0;     ///< percent
  /// How well its last partition tells wrong labels, mean of the networks; NaN where it makes none
  /// or no true label is known.
  double auc = std::numeric_limits<double>::quiet_NaN();
  std::optional<WrongLabels> wrong_labels;  ///< of the same partition
  double seconds = 0.0;                     ///< of all phases of all epochs
  std::vector<double> accuracies;           ///< percent, of every epoch
};

/// Fills in the results from the lines of the run's metrics.jsonl. Throws Error where there are
/// none.
void take_results(ComparedRun& run, const std::vector<nlohmann::ordered_json>& metrics);

/// JSON has no word for what is no number.
nlohmann::ordered_json number_or_null(double value);

/// One line of runs.jsonl. What is unknown is null.
nlohmann::ordered_json to_json(const ComparedRun& run);
/// The run that such a line tells of. Throws Error, calling it `origin`, where it is none.
ComparedRun compared_run(const nlohmann::ordered_json& line, const std::string& origin);

/// Mean and sample standard deviation (n - 1); NaN where there are too few values for them.
struct MeanDeviation {
  std::int64_t count = 0;
  double mean = std::numeric_limits<double>::quiet_NaN();
  double deviation = std::numeric_limits<double>::quiet_NaN();
};

/// Of the values that are numbers.
MeanDeviation mean_deviation(std::span<const double> values);

/// "79.30 ± 0.41", "79.30" where there is no deviation, "-" where there is no mean.
std::string to_text(const MeanDeviation& value, int decimals);

/// All runs of a comparison.
struct Comparison {
  std::vector<std::string> labels;
  std::vector<std::int64_t> seeds;  ///< rising
  std::vector<ComparedRun> runs;    ///< at most one of each label and seed

  /// The run of that label and seed; null where there is none.
  const ComparedRun* find(const std::string& label, std::int64_t seed) const;
  /// The runs of a label that have results, seeds rising.
  std::vector<const ComparedRun*> done(const std::string& label) const;
};

/// `lines` are those of runs.jsonl, of which a later one replaces an earlier one of the same run.
/// Labels and seeds that are asked for are there without a run too, labels in that order; others
/// follow.
Comparison gather(std::span<const ComparedRun> lines, std::vector<std::string> labels,
                  std::span<const std::int64_t> seeds);

/// What the runs of one label come to. Failed ones do not count.
struct LabelSummary {
  std::string label;
  std::int64_t asked = 0;  ///< seeds
  std::int64_t done = 0;
  std::int64_t failed = 0;
  MeanDeviation best_acc;
  MeanDeviation mean_last10;
  MeanDeviation auc;
  MeanDeviation minutes;
};

/// One for each label, in their order.
std::vector<LabelSummary> summarize(const Comparison& comparison);

}  // namespace bptplr
