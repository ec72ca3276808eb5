// The measured label noise, as people read it.
#pragma once

#include <string>

#include "bpt_plr/train/training_data.hpp"

namespace bptplr {

/// Of which true class how many percent are labelled as which: the whole matrix for up to 16
/// classes, else the largest confusions. Empty where no true label is known or all are right.
std::string noise_table(const TrainingData& data);

}  // namespace bptplr
