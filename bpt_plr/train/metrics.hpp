// Metrics that a run reports for each epoch.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bpt_plr/method/evidence.hpp"
#include "bpt_plr/method/selection.hpp"
#include "bpt_plr/train/epoch_samples.hpp"

namespace bptplr {

/// Division of the training set in an epoch: by one network, or by both for one.
struct NetworkMetrics {
  SelectionMetrics selection;
  std::optional<GmmFit> gmm;  ///< empty if no mixture was fitted
  std::vector<double> clean;  ///< clean probability of every sample, see Division
  Evidence evidence;          ///< evidence on every sample
  std::vector<std::int64_t> labelled_per_class;  ///< labelled samples of each noisy label
  /// AUC of detecting correct labels with each of the two figures alone (correctness_auc); NaN for
  /// a figure that does not exist.
  double auc_classifier = 0;
  double auc_prototype = 0;
};

NetworkMetrics network_metrics(const Division& division, const Evidence& evidence,
                               const EpochSamples& samples, std::int64_t num_class);

/// Counts of wrong and flagged labels, over the samples whose true label is known.
struct WrongLabels {
  std::int64_t wrong = 0;    ///< labels that are wrong
  std::int64_t flagged = 0;  ///< labels that are considered wrong
  std::int64_t found = 0;    ///< labels that are both
};

/// Counts wrong labels, with those `flagged` considered wrong. Returns nothing if no true label is
/// known (all are -1). Throws Error if lengths differ.
std::optional<WrongLabels> count_wrong_labels(const std::vector<bool>& flagged,
                                              std::span<const std::int64_t> noisy_labels,
                                              std::span<const std::int64_t> true_labels);

/// Counts wrong labels, with those considered wrong whose clean probability, averaged over the
/// networks, is at most 0.5. Returns nothing if no true label is known (all are -1). Throws Error
/// if lengths differ or there are no networks.
std::optional<WrongLabels> find_wrong_labels(std::span<const NetworkMetrics> networks,
                                             std::span<const std::int64_t> noisy_labels,
                                             std::span<const std::int64_t> true_labels);

struct EpochMetrics {
  std::int64_t epoch = 0;  ///< from 0
  std::string phase;       ///< "warm_up", or the method
  double lr = 0.0;
  /// Means over the epoch's iterations and networks, by name: loss, loss_ce, loss_x, ...
  std::map<std::string, double> losses;
  double test_acc = 0.0;              ///< percent; NaN, as the next two, without test samples
  double best_acc = 0.0;              ///< percent, of all epochs so far
  double mean_last10 = 0.0;           ///< percent, mean over the last ten epochs (or fewer so far)
  std::vector<std::int64_t> samples;  ///< partitioned samples: indices in the training set
  /// Divisions by each network, or with exchange `joint` those that each network trains on, in
  /// epochs that divide the training set; else empty.
  std::vector<NetworkMetrics> networks;
  std::optional<WrongLabels> wrong_labels;  ///< in these epochs, if true labels are known
  std::map<std::string, double> seconds;    ///< by phase: partition, train, test
  /// Samples drawn for training per second; all views of a sample count once.
  double images_per_s = 0.0;
  double peak_memory_gib = 0.0;  ///< on the device so far; on the CPU, of the whole process
};

/// Adds divisions of an epoch's samples, each with its evidence, to those of `metrics`.
void report_division(std::span<const Division> divisions, std::span<const Evidence> evidence,
                     const EpochSamples& samples, std::int64_t num_class, EpochMetrics& metrics);

/// Returns one line of metrics.jsonl. Undefined values (NaN) are null.
nlohmann::ordered_json to_json(const EpochMetrics& metrics);

}  // namespace bptplr
