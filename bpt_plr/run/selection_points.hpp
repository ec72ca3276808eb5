// Chooses samples of a partition to show: few enough to draw and to store for every epoch.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "bpt_plr/train/metrics.hpp"

namespace bptplr {

/// Evidence and clean probabilities of the chosen samples from one network.
struct NetworkPoints {
  std::vector<double> classifier;  ///< first figure of the evidence
  std::vector<double> prototype;   ///< second figure; empty where there is none
  std::vector<double> clean;       ///< probability that the label is clean
};

struct SelectionPoints {
  std::int64_t epoch = 0;
  std::vector<std::int64_t> samples;  ///< indices in the training set, ascending
  std::vector<NetworkPoints> networks;
};

/// Chooses at most `most` samples, evenly spaced over those of the epoch, so that epochs over the
/// whole training set choose the same. `networks` is empty where the epoch made no partition.
SelectionPoints selection_points(const EpochMetrics& metrics, std::int64_t most = 1000);

/// Returns a line of selection.jsonl; losses are rounded to three digits, probabilities to four.
nlohmann::ordered_json to_json(const SelectionPoints& points);

}  // namespace bptplr
