// What a report says about the course of a run, from metrics.jsonl and selection.jsonl.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <vector>

#include "bpt_plr/recipe/recipe.hpp"

namespace bptplr {

/// A section of a report, or {"missing": why it has nothing to show}.
using ReportSection = nlohmann::ordered_json;

/// The lines of metrics.jsonl and selection.jsonl, in their order.
struct RunHistory {
  std::vector<nlohmann::ordered_json> metrics;
  std::vector<nlohmann::ordered_json> selection;
};

/// The last accuracies, the hours taken, and the wrong labels found; null before the first epoch.
ReportSection report_result(const RunHistory& history);

/// Test accuracy and losses by epoch.
ReportSection report_curves(const RunHistory& history);

/// The mixtures and points of some 40 epochs, evenly spaced, with the last; and the selection's
/// quality in every epoch. Where true labels of the training set are known, which points have a
/// wrong one; both spans may be empty.
ReportSection report_selection(const RunHistory& history, const Recipe& recipe,
                               std::span<const std::int64_t> noisy_labels,
                               std::span<const std::int64_t> true_labels);

/// How many samples have each given label, and how many of these the last partition labelled.
ReportSection report_balance(const RunHistory& history, const Recipe& recipe,
                             std::span<const std::int64_t> noisy_labels);

/// The mean of a figure over the networks of an epoch (a line of metrics.jsonl), null where one
/// does not have it and where the epoch has no partition.
ReportSection mean_of_networks(const ReportSection& epoch, const char* key);

/// Of all phases of all epochs.
double training_seconds(const RunHistory& history);

/// Why a run has no partition to show.
ReportSection no_partition(const Recipe& recipe);

}  // namespace bptplr
