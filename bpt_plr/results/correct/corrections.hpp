// Which labels are to be changed: by an audit, or by what people have decided about its suspects.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "bpt_plr/results/audit/audit.hpp"
#include "bpt_plr/train/training_data.hpp"

namespace bptplr {

struct Correction {
  std::int64_t sample = 0;  ///< number in the run's training set
  std::int64_t label = 0;   ///< its new class
};

/// Returns the samples whose label is wrong with more than `threshold`, with the suggested one.
std::vector<Correction> corrections_of(const Audit& audit, const TrainingData& data,
                                       double threshold);

/// Reads decisions as the page of an audit saves them: JSON with a list "decisions" of objects with
/// "index", "given" (class name), "decision" ("accept" or "reject") and, for an accepted one,
/// "label" (class name). Rejected suspects keep their label. Throws Error naming file and entry for
/// anything else, also if "given" is not the label that the run has for that sample: the file is
/// that of another run.
std::vector<Correction> read_decisions(const std::filesystem::path& path, const TrainingData& data);

}  // namespace bptplr
