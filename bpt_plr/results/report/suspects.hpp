// One training image whose label may be wrong, as pages show it.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>

#include "bpt_plr/results/audit/audit.hpp"
#include "bpt_plr/train/training_data.hpp"

namespace bptplr {

/// Returns number, given and suggested class, probability of being wrong, true class (null where
/// unknown), file (absent where images have none) and picture of a training sample.
nlohmann::ordered_json suspect_item(const Audit& audit, const TrainingData& data,
                                    std::int64_t sample);

}  // namespace bptplr
