// Writes the files of an audit.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "bpt_plr/results/audit/audit.hpp"
#include "bpt_plr/results/audit/summary.hpp"

namespace bptplr {

struct AuditFiles {
  std::filesystem::path suspects;  ///< suspects.csv: every sample, in the order of the ranking
  std::filesystem::path summary;   ///< audit.json
  std::filesystem::path labels;    ///< labels.json: corrected labels, which --noise_file takes
  std::string no_labels;           ///< why labels.json is not written; empty if it is
  std::int64_t corrected = 0;  ///< number of labels in labels.json that differ from the given ones
};

/// Writes the three files into `folder`, which is created; each file is written whole or not at
/// all. `issues`, unless null, goes into audit.json. Where labels.json is not to be used (the audit
/// is not, or the files of the data set have changed since the run, which a list would not fit),
/// that of an earlier audit is removed. Columns of suspects.csv: rank (from 1), index (in
/// noise.json, from 0), path (empty where images have no files), given_label, given_name,
/// suggested_label, suggested_name, p_wrong and, if any true label is known, true_label (empty
/// where it is not). Throws Error on failure.
AuditFiles write_audit(const std::filesystem::path& folder, const Audit& audit,
                       const AuditSummary& summary, const TrainingData& data, double threshold,
                       const nlohmann::ordered_json& issues);

}  // namespace bptplr
