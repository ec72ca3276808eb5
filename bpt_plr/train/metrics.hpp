// What a run reports about each epoch.
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

/// How the training set was divided in an epoch: by one network, or by both for one.
struct NetworkMetrics {
  SelectionMetrics selection;
  std::optional<GmmFit> gmm;                     ///< where a mixture was fitted
  std::vector<double> clean;                     ///< of every sample, see Division
  Evidence evidence;                             ///< what was known of every sample
  std::vector<std::int64_t> labelled_per_class;  ///< labelled samples of each noisy label
  /// How well each of the two figures alone tells correct labels from wrong ones
  /// (correctness_auc); NaN for one that is not there.
  double auc_classifier = 0;
  double auc_prototype = 0;
};

NetworkMetrics network_metrics(const Division& division, const Evidence& evidence,
                               const EpochSamples& samples, std::int64_t num_class);

/// The wrong labels that something points out. Samples whose true label is unknown are left out.
struct WrongLabels {
  std::int64_t wrong = 0;    ///< labels that are wrong
  std::int64_t flagged = 0;  ///< labels that are held to be wrong
  std::int64_t found = 0;    ///< labels that are both
};

/// `flagged` is held to be wrong. Nothing where no true label is known (all are -1). Throws Error
/// where the lengths differ.
std::optional<WrongLabels> count_wrong_labels(const std::vector<bool>& flagged,
                                              std::span<const std::int64_t> noisy_labels,
                                              std::span<const std::int64_t> true_labels);

/// The same with what the networks hold to be wrong: labels that are held clean by at most 0.5,
/// averaged over the networks. Throws Error where there are no networks, too.
std::optional<WrongLabels> find_wrong_labels(std::span<const NetworkMetrics> networks,
                                             std::span<const std::int64_t> noisy_labels,
                                             std::span<const std::int64_t> true_labels);

struct EpochMetrics {
  std::int64_t epoch = 0;  ///< from 0
  std::string phase;       ///< "warm_up", or the method
  double lr = 0.0;
  /// Means over the epoch's iterations and networks, by name: loss, loss_ce, loss_x, ...
  std::map<std::string, double> losses;
  double test_acc = 0.0;              ///< percent
  double best_acc = 0.0;              ///< percent, of all epochs so far
  double mean_last10 = 0.0;           ///< percent, mean over the last ten epochs (or fewer so far)
  std::vector<std::int64_t> samples;  ///< what was partitioned: numbers in the training set
  /// One per division, in the epochs that divide the training set.
  std::vector<NetworkMetrics> networks;
  std::optional<WrongLabels> wrong_labels;  ///< of the same epochs, where the truth is known
  std::map<std::string, double> seconds;    ///< by phase: partition, train, test
  /// Samples drawn for training a second, all views of one counted once.
  double images_per_s = 0.0;
  double peak_memory_gib = 0.0;  ///< on the device so far; on the CPU of the whole process
};

/// Fills in what `metrics` says of the divisions of an epoch's samples, each made from its
/// evidence.
void report_division(std::span<const Division> divisions, std::span<const Evidence> evidence,
                     const EpochSamples& samples, std::int64_t num_class, EpochMetrics& metrics);

/// Returns one line of metrics.jsonl. What is unknown (NaN) is null.
nlohmann::ordered_json to_json(const EpochMetrics& metrics);

}  // namespace bptplr
