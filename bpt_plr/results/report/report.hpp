// Everything that a page about a run shows (report_page).
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "bpt_plr/run/run_folder.hpp"
#include "data/load_report.hpp"

namespace bptplr {

struct ReportOptions {
  DeviceChoice device = DeviceChoice::kAuto;
  std::string data_path;  ///< where the data set has moved; empty: it has not
  std::int64_t top = 48;  ///< how many of the most suspect labels are shown
};

/// The course of the run from what it has written; the confusion on the test set, the label noise
/// and the suspect labels from its networks and its data set. A section that cannot be shown holds
/// {"missing": a sentence that says why}. `loading` is told how far reading and evaluating are.
/// Throws Error for a run without a valid config.json, and for a device that is not there.
nlohmann::ordered_json make_report(const RunFolder& run, const ReportOptions& options,
                                   const LoadReport& loading = {});

}  // namespace bptplr
