// What a comparison leaves behind beside runs.jsonl: the same as tables and as a page.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "bpt_plr/results/compare/comparison.hpp"

namespace bptplr {

/// A line for each run, labels in their order and seeds rising within each; times in seconds. What
/// is unknown is empty.
std::string comparison_csv(const Comparison& comparison);

/// A line for each label, with means and standard deviations.
std::string comparison_markdown(const Comparison& comparison);

/// All that the page shows. `name` is what the comparison is called.
nlohmann::ordered_json comparison_report(const Comparison& comparison, const std::string& name);

/// Writes compare.csv, compare.md and compare.html. Throws Error when they cannot be written.
void write_comparison(const std::filesystem::path& folder, const Comparison& comparison);

}  // namespace bptplr
