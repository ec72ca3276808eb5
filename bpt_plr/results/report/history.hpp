// Summarises the course of a run for a report, from metrics.jsonl and selection.jsonl.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <vector>

#include "bpt_plr/recipe/recipe.hpp"

namespace bptplr {

/// Section of a report, or {"missing": why it has nothing to show}.
using ReportSection = nlohmann::ordered_json;

/// Lines of metrics.jsonl and selection.jsonl, in order.
struct RunHistory {
  std::vector<nlohmann::ordered_json> metrics;
  std::vector<nlohmann::ordered_json> selection;
};

/// Returns last accuracies, hours taken and wrong labels found; null before the first epoch.
ReportSection report_result(const RunHistory& history);

/// Returns test accuracy and losses by epoch.
ReportSection report_curves(const RunHistory& history);

/// Returns mixtures and points of about 40 evenly spaced epochs, including the last, and the
/// selection's quality in every epoch. Marks points with wrong labels where true labels of the
/// training set are known; both spans may be empty.
ReportSection report_selection(const RunHistory& history, const Recipe& recipe,
                               std::span<const std::int64_t> noisy_labels,
                               std::span<const std::int64_t> true_labels);

/// Returns the number of samples of each given label and how many the last partition labelled.
ReportSection report_balance(const RunHistory& history, const Recipe& recipe,
                             std::span<const std::int64_t> noisy_labels);

/// Returns the mean of a figure over the networks of an epoch (a line of metrics.jsonl); null where
/// one of them lacks it or the epoch has no partition.
ReportSection mean_of_networks(const ReportSection& epoch, const char* key);

/// Returns the total of all phases of all epochs, in seconds.
double training_seconds(const RunHistory& history);

/// Returns a "missing" section that says why a run has no partition to show.
ReportSection no_partition(const Recipe& recipe);

}  // namespace bptplr
