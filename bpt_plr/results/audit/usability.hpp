// Says when an audit must not be acted on.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bpt_plr/results/audit/audit.hpp"

namespace bptplr {

/// Returns why `audit` of `labels` is not to be used, as the end of the sentence "not to be used:
/// ..."; empty if nothing speaks against it. Uses no true label.
std::string reason_not_to_use(const Audit& audit, const std::vector<std::int64_t>& labels);

}  // namespace bptplr
