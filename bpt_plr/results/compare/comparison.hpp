// Compares runs: what is stored of every run, and the statistics over several seeds.
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
  std::string label;                 ///< what is compared: a method, or the name of a recipe
  Recipe recipe;                     ///< resolved
  std::vector<std::string> changes;  ///< fields of the preset that the recipe changes (deviations)
  std::uint64_t data_hash = 0;       ///< hash_training_data, in the format data_hash_format
  int data_hash_format = kCheckpointFormat;
  std::string failure;       ///< why there are no results; empty if there are
  double best_acc = 0.0;     ///< percent, of all epochs
  double mean_last10 = 0.0;  ///< percent, mean over the last ten epochs
  double last_acc = 0.0;     ///< percent
  /// AUC of detecting wrong labels with the last partition, mean of the networks; NaN where there
  /// is no partition or no true label is known.
  double auc = std::numeric_limits<double>::quiet_NaN();
  std::optional<WrongLabels> wrong_labels;  ///< found by the last partition
  double seconds = 0.0;                     ///< total of all phases of all epochs
  std::vector<double> accuracies;           ///< percent, by epoch
};

/// Fills in the results from the lines of the run's metrics.jsonl. Throws Error if there are none.
void take_results(ComparedRun& run, const std::vector<nlohmann::ordered_json>& metrics);

/// Returns the value as JSON; null if it is not finite, for which JSON has no number.
nlohmann::ordered_json number_or_null(double value);

/// Returns a line of runs.jsonl; unknown values are null.
nlohmann::ordered_json to_json(const ComparedRun& run);
/// Parses a line of runs.jsonl. Throws Error naming `origin` if it is not one.
ComparedRun compared_run(const nlohmann::ordered_json& line, const std::string& origin);

/// Mean and sample standard deviation (n - 1); NaN where there are too few values.
struct MeanDeviation {
  std::int64_t count = 0;
  double mean = std::numeric_limits<double>::quiet_NaN();
  double deviation = std::numeric_limits<double>::quiet_NaN();
};

/// Returns mean and deviation of the values that are not NaN.
MeanDeviation mean_deviation(std::span<const double> values);

/// Returns "79.30 ± 0.41", "79.30" if the deviation is NaN, "-" if the mean is NaN.
std::string to_text(const MeanDeviation& value, int decimals);

/// All runs of a comparison.
struct Comparison {
  std::vector<std::string> labels;
  std::vector<std::int64_t> seeds;  ///< ascending
  std::vector<ComparedRun> runs;    ///< at most one of each label and seed, in their order

  /// Returns the run of that label and seed, or null if there is none.
  const ComparedRun* find(const std::string& label, std::int64_t seed) const;
  /// Returns the runs of a label that have results, by ascending seed.
  std::vector<const ComparedRun*> done(const std::string& label) const;
};

/// Groups the lines of runs.jsonl; a later line replaces an earlier one of the same run. Requested
/// labels and seeds are included even without a run: labels in that order, then others.
Comparison gather(std::span<const ComparedRun> lines, std::vector<std::string> labels,
                  std::span<const std::int64_t> seeds);

/// Statistics of the runs of one label, without the failed ones.
struct LabelSummary {
  std::string label;
  std::int64_t asked = 0;  ///< number of requested seeds
  std::int64_t done = 0;
  std::int64_t failed = 0;
  MeanDeviation best_acc;
  MeanDeviation mean_last10;
  MeanDeviation auc;
  MeanDeviation minutes;
};

/// Returns one summary for each label, in their order.
std::vector<LabelSummary> summarize(const Comparison& comparison);

}  // namespace bptplr
