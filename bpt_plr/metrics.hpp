// What a run reports about each epoch.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "bpt_plr/gmm.hpp"
#include "bpt_plr/partition.hpp"

namespace bptplr {

/// How one network judged the training set in an epoch.
struct NetworkMetrics {
  SelectionMetrics selection;
  GmmFit gmm;  ///< with the clean probability of every sample
  /// How well each of the two losses alone tells correct labels from wrong ones (correctness_auc).
  double auc_classifier = 0;
  double auc_prototype = 0;
};

struct EpochMetrics {
  std::int64_t epoch = 0;  ///< from 0
  std::string phase;       ///< "warm_up", "bpt_plr" or "ce"
  double lr = 0.0;
  /// Means over the epoch's iterations and networks, by name: loss, loss_ce, loss_x, ...
  std::map<std::string, double> losses;
  double test_acc = 0.0;     ///< percent
  double best_acc = 0.0;     ///< percent, of all epochs so far
  double mean_last10 = 0.0;  ///< percent, mean over the last ten epochs (or fewer so far)
  /// One per network, in the epochs that partition the training set.
  std::vector<NetworkMetrics> networks;
  std::map<std::string, double> seconds;  ///< by phase: partition, train, test
  double images_per_s =
      0.0;  ///< samples drawn for training a second, all views of one counted once
};

/// The wrong labels that an epoch's networks point out: those whose clean probability, averaged
/// over the networks, is at most 0.5.
struct WrongLabels {
  std::int64_t wrong = 0;    ///< labels that are wrong
  std::int64_t flagged = 0;  ///< labels that the networks hold to be wrong
  std::int64_t found = 0;    ///< labels that are both
};

/// Samples whose true label is -1 (unknown) are left out. Throws Error where `metrics` has no
/// networks or the lengths differ.
WrongLabels find_wrong_labels(const EpochMetrics& metrics,
                              std::span<const std::int64_t> noisy_labels,
                              std::span<const std::int64_t> true_labels);

/// One line of metrics.jsonl. What is unknown (NaN) is null.
nlohmann::ordered_json to_json(const EpochMetrics& metrics);

}  // namespace bptplr
