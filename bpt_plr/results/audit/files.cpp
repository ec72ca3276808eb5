#include "bpt_plr/results/audit/files.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>
#include <system_error>

#include "data/csv.hpp"
#include "data/noise/noise.hpp"
#include "engine/error.hpp"
#include "engine/io/file.hpp"
#include "engine/io/json.hpp"

namespace bptplr {
namespace {

std::string suspects_table(const Audit& audit, const TrainingData& data, bool truth_is_known) {
  const Split& train = data.dataset.train;
  const auto name = [&](std::int64_t label) {
    return csv_field(data.dataset.class_names[static_cast<std::size_t>(label)]);
  };
  std::string table =
      "rank,index,path,given_label,given_name,suggested_label,suggested_name,p_wrong";
  table += truth_is_known ? ",true_label\n" : "\n";
  for (std::size_t rank = 0; rank < audit.ranking.size(); ++rank) {
    const auto i = static_cast<std::size_t>(audit.ranking[rank]);
    const std::int64_t given = data.noisy_labels[i];
    const std::int64_t suggested = audit.suggested[i];
    table += fmt::format("{},{},{},{},{},{},{},{:.6f}", rank + 1, i,
                         train.files.empty() ? "" : csv_field(train.files[i]), given, name(given),
                         suggested, name(suggested), audit.wrong_probability[i]);
    if (truth_is_known) {
      const std::int64_t truth = data.true_labels[i];
      table += truth < 0 ? "," : fmt::format(",{}", truth);
    }
    table += "\n";
  }
  return table;
}

}  // namespace

AuditFiles write_audit(const std::filesystem::path& folder, const Audit& audit,
                       const AuditSummary& summary, const TrainingData& data, double threshold,
                       const nlohmann::ordered_json& issues) {
  make_folders(folder);
  AuditFiles files{folder / "suspects.csv", folder / "audit.json", folder / "labels.json", "", 0};
  write_file_atomically(files.suspects, suspects_table(audit, data, summary.known.has_value()));
  nlohmann::ordered_json json = to_json(summary, audit, data.dataset);
  if (!issues.is_null()) json["issues"] = issues;
  write_file_atomically(files.summary, to_text(json, 2) + "\n");
  if (data.files_changed) {
    files.no_labels = "the files of the data set have changed since the run";
  }
  if (!audit.not_to_be_used.empty()) files.no_labels = "the audit is not to be used";
  if (!files.no_labels.empty()) {
    std::error_code error;
    std::filesystem::remove(files.labels, error);
    require(!error, "cannot remove {}, which an earlier audit wrote: {}", files.labels.string(),
            error.message());
    return files;
  }
  const auto labels = corrected_labels(audit, data.noisy_labels, threshold);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    files.corrected += labels[i] != data.noisy_labels[i] ? 1 : 0;
  }
  write_noise_file(files.labels, labels);
  return files;
}

}  // namespace bptplr
