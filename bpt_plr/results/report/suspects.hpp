// Training samples whose labels may be wrong, as pages show them.
#pragma once

#include <array>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <span>

#include "bpt_plr/results/audit/audit.hpp"
#include "bpt_plr/train/training_data.hpp"

namespace bptplr {

/// Returns the first `count` samples of the ranking, each with its number, given and suggested
/// class, probability of being wrong, true class (null where unknown), file and picture (absent
/// where there is none). Vectors are shown by the pictures of their files.
nlohmann::ordered_json suspect_items(const Audit& audit, const TrainingData& data,
                                     std::int64_t count);

/// Returns the same of these samples, in their order.
nlohmann::ordered_json sample_items(const Audit& audit, const TrainingData& data,
                                    std::span<const std::int64_t> samples);

/// Returns width and height of these pictures.
std::array<int, 2> picture_sides(const Split& samples);

}  // namespace bptplr
