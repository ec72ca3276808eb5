// Confident learning (Northcutt et al., "Confident Learning", JAIR 2021): counts wrong labels by
// samples of which a classifier is certain.
//
// A sample counts as certainly of a class where the class's probability reaches its mean over the
// samples with that label. This needs no calibrated probabilities, and holds where the classifier
// has learnt wrong labels and is never sure of some classes.
#pragma once

#include <vector>

#include "bpt_plr/results/audit/labelled_samples.hpp"

namespace bptplr {

/// Returns the calibrated confident joint [C, C] of true classes (rows) and labels: expected
/// numbers of samples, which sum to the number of each label. p [count, classes] are probabilities.
std::vector<double> confident_joint(const LabelledSamples& samples, const std::vector<float>& p);

/// Returns how many wrong labels confident learning finds: for each label and each other class, as
/// many samples as the joint says, those first whose class is the more probable compared with the
/// label; without samples whose label is the most probable class ("prune by noise rate").
double confident_number(const LabelledSamples& samples, const std::vector<float>& p);

}  // namespace bptplr
