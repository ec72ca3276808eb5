// The files that an audit leaves.
#pragma once

#include <filesystem>

#include "bpt_plr/results/audit/audit.hpp"
#include "bpt_plr/results/audit/summary.hpp"

namespace bptplr {

struct AuditFiles {
  std::filesystem::path suspects;  ///< suspects.csv: every sample, in the order of the ranking
  std::filesystem::path summary;   ///< audit.json
  std::filesystem::path labels;    ///< labels.json: corrected labels, which --noise_file takes
  std::int64_t corrected = 0;      ///< labels of labels.json that are not the given ones
};

/// Writes all three into `folder`, which is made, each of them whole or not at all. The columns of
/// suspects.csv are rank (from 1), index (in noise.json, from 0), path (empty where images have no
/// files), given_label, given_name, suggested_label, suggested_name, p_wrong and, where any true
/// label is known, true_label (empty where it is not). Throws Error where that fails.
AuditFiles write_audit(const std::filesystem::path& folder, const Audit& audit,
                       const AuditSummary& summary, const TrainingData& data, double threshold);

}  // namespace bptplr
