// Collects everything that the page about a run (report_page) shows.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "bpt_plr/results/judges/judges.hpp"
#include "bpt_plr/run/run_folder.hpp"
#include "data/load_report.hpp"

namespace bptplr {

struct ReportOptions {
  DeviceChoice device = DeviceChoice::kAuto;
  std::string data_path;  ///< new location of the data set; empty if it has not moved
  std::int64_t top =
      48;  ///< number of most suspect labels shown; also of near-duplicates and outliers at most
  JudgeOptions judge = {};  ///< who judges the labels; folds are trained where they are not yet
};

/// Returns the course of the run from its files, and the confusion on the test set, the label noise
/// and the suspect labels from its networks and data set. A section that cannot be shown is
/// {"missing": a sentence that says why}. `loading` receives the progress of reading and
/// evaluating. Throws Error for a run without a valid config.json and for an unavailable device.
nlohmann::ordered_json make_report(const RunFolder& run, const ReportOptions& options,
                                   const LoadReport& loading = {});

}  // namespace bptplr
