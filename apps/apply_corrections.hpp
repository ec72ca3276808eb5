// `bptplr audit RUN --apply ...`: carries corrected labels over to people's files.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "bpt_plr/results/correct/apply.hpp"

namespace bptplr {

/// What to do with corrected labels, and where.
struct ApplyTarget {
  ApplyMode mode = ApplyMode::kMove;
  std::string folder;  ///< empty for moves within the data set
};

/// Reads the words after --apply: a mode, then a folder, which only move may lack. Throws Error for
/// anything else.
ApplyTarget parse_apply(const std::vector<std::string>& words);

/// Applies corrections and says what was done; the file to undo moves is written to
/// `undo_folder`. Throws Error.
void apply_corrections(const ApplyTarget& target, std::span<const Correction> corrections,
                       const TrainingData& data, const std::string& undo_folder);

}  // namespace bptplr
