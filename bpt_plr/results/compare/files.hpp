// Writes the results of a comparison as tables and as a page.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "bpt_plr/results/compare/comparison.hpp"

namespace bptplr {

/// Returns a line per run, by label and ascending seed. Times are in seconds, unknown values empty.
std::string comparison_csv(const Comparison& comparison);

/// Returns a table with means and standard deviations, a line for each label.
std::string comparison_markdown(const Comparison& comparison);

/// Returns the data of the page. `name` is the name of the comparison.
nlohmann::ordered_json comparison_report(const Comparison& comparison, const std::string& name);

/// Writes compare.csv, compare.md and compare.html. Throws Error when they cannot be written.
void write_comparison(const std::filesystem::path& folder, const Comparison& comparison);

}  // namespace bptplr
