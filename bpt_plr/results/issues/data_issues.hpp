// Issues of a data set beside and with its labels, sample by sample, in the columns of cleanlab's
// Datalab.
#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "bpt_plr/results/audit/audit.hpp"
#include "bpt_plr/results/issues/neighbours.hpp"
#include "bpt_plr/run/trained_run.hpp"
#include "bpt_plr/train/training_data.hpp"
#include "engine/names.hpp"

namespace bptplr {

/// Whether to compare all samples with all, which takes time that grows with the square of their
/// number.
enum class FindIssues {
  kAuto,  ///< for at most kMostCompared samples
  kOn,
  kOff
};
constexpr auto names_of(FindIssues) {
  return std::to_array<NamedValue<FindIssues>>(
      {{FindIssues::kAuto, "auto"}, {FindIssues::kOn, "on"}, {FindIssues::kOff, "off"}});
}

/// Near-duplicates of which not all have the same label: at least one label is wrong, or they are
/// of a class that the labels split.
struct LabelConflict {
  std::vector<std::int64_t> samples;
};

/// What features tell; nothing where none are known.
struct DataIssues {
  Neighbours neighbours;
  NearDuplicates near_duplicates;
  Outliers outliers;
  std::vector<LabelConflict> conflicts;
  /// Classes with less than a tenth of an equal share of the samples.
  std::vector<std::int64_t> rare_classes;
};

/// Finds the issues of the samples with these features [N, D], float32 on the CPU, and labels.
DataIssues find_data_issues(const Tensor& features, const std::vector<std::int64_t>& labels,
                            std::int64_t num_classes,
                            const std::function<void(double share)>& progress = {});

/// Finds the issues of a run's training samples by sample_features, if they are to be found.
std::optional<DataIssues> find_data_issues(FindIssues wanted, const Networks& networks,
                                           const Recipe& recipe, const TrainingData& data,
                                           const EvaluationProgress& evaluating = {},
                                           const std::function<void(double share)>& comparing = {});

/// Returns what was found as the end of a sentence: "12 near-duplicates in 5 sets, 2 of which have
/// different labels; 31 outliers".
std::string describe(const DataIssues& issues, const Dataset& dataset);

/// Writes a line for each sample: its issues and scores, near 0 where there is one, 1 where not.
/// Throws Error when it cannot be written.
void write_issues(const std::filesystem::path& file, const Audit& audit, const DataIssues& issues,
                  const TrainingData& data);

/// Returns the part of audit.json: numbers of issues, sets of near-duplicates and conflicts.
nlohmann::ordered_json to_json(const DataIssues& issues, const Dataset& dataset);

}  // namespace bptplr
