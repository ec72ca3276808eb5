// The samples of a partition that people look at: few enough to draw and to keep for every epoch.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "bpt_plr/train/metrics.hpp"

namespace bptplr {

/// What one network made of the chosen samples.
struct NetworkPoints {
  std::vector<double> classifier;  ///< the first figure of the evidence
  std::vector<double> prototype;   ///< the second one; empty where there is none
  std::vector<double> clean;       ///< how clean the labels are held to be
};

struct SelectionPoints {
  std::int64_t epoch = 0;
  std::vector<std::int64_t> samples;  ///< numbers in the training set, ascending
  std::vector<NetworkPoints> networks;
};

/// At most `most` samples, evenly spaced over those of the epoch, and so the same ones in every
/// epoch that takes the whole training set. No networks where the epoch made no partition.
SelectionPoints selection_points(const EpochMetrics& metrics, std::int64_t most = 1000);

/// A line of selection.jsonl, in which losses are rounded to three digits and probabilities to
/// four.
nlohmann::ordered_json to_json(const SelectionPoints& points);

}  // namespace bptplr
