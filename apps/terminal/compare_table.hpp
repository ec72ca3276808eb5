// Prints the results of `bptplr compare`.
#pragma once

#include <string>
#include <vector>

#include "bpt_plr/results/compare/comparison.hpp"

namespace bptplr {

/// Prints a table of the labels, a bar for the mean of each one's last ten epochs, with one
/// standard deviation to either side, and why runs failed. Narrow terminals get fewer columns.
void print_comparison(const Comparison& comparison);

/// Returns a line for scripts: "compare LABEL best 79.30 0.41 last10 78.80 0.35 auc 0.9590 0.0010
/// minutes 3.6 / LABEL / ...": mean and standard deviation, "-" for unknown values.
std::string script_line(const Comparison& comparison);

}  // namespace bptplr
