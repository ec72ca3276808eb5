// Page on which people accept or reject the suspects of an audit.
#pragma once

#include <cstdint>
#include <string>

#include "bpt_plr/results/audit/audit.hpp"
#include "bpt_plr/results/report/heading.hpp"
#include "bpt_plr/train/training_data.hpp"

namespace bptplr {

/// Returns a self-contained page of the `count` most suspect images. What is decided there is saved
/// by the browser as a file that read_decisions reads. `run` names the run for people.
std::string review_page(const Audit& audit, const TrainingData& data, const Heading& heading,
                        const std::string& run, std::int64_t count);

}  // namespace bptplr
