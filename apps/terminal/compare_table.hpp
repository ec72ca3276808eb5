// What `bptplr compare` prints of its runs.
#pragma once

#include <string>
#include <vector>

#include "bpt_plr/results/compare/comparison.hpp"

namespace bptplr {

/// A table of the labels, then a bar for each one's mean of the last ten epochs, with marks one
/// standard deviation to either side, and why runs failed. At most 80 columns wide but for these
/// sentences.
void print_comparison(const Comparison& comparison);

/// For scripts: "compare LABEL best 79.30 0.41 last10 78.80 0.35 auc 0.9590 0.0010 minutes 3.6
/// LABEL
/// ...", mean and standard deviation, "-" for what is not known.
std::string script_line(const Comparison& comparison);

}  // namespace bptplr
