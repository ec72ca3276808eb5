// Formats the measured label noise.
#pragma once

#include <cstddef>
#include <string>

#include "bpt_plr/train/training_data.hpp"

namespace bptplr {

/// Returns in percent how often each true class is labelled as each class: the whole matrix for up
/// to 16 classes if it fits into `columns`, else the largest confusions. Empty if no true label is
/// known or all are right.
std::string noise_table(const TrainingData& data, std::size_t columns);

}  // namespace bptplr
