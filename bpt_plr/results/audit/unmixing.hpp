// Predictions of a classifier that has learnt the wrong labels: recovers those of the true classes.
//
// A classifier trained on noisy labels and asked about other samples predicts q(x) = p(x) T, the
// probabilities of labels rather than of classes. Explained by p(x) = q(x) and no noise, labels
// fit as well, so the likelihood cannot tell. What can is that q is never sure of some classes: T
// is estimated by confident learning (confident.hpp).
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "bpt_plr/results/audit/noise_fit.hpp"

namespace bptplr {

/// Returns the logarithms of p [count, classes], the solution of p T = q with negative numbers cut
/// off; q [count, classes] holds probabilities of labels. Empty if T has no stable inverse, or if
/// there are so many classes that count * classes^2 exceeds 1e12. `alive`: as in noise_fit.hpp.
std::optional<std::vector<float>> unmixed_logits(const LabelledSamples& samples,
                                                 const std::vector<float>& q,
                                                 const std::function<void()>& alive = {});

/// Returns q = softmax(z / temperature) T [count, classes]: how `fit` expects labels.
std::vector<float> label_probabilities(const LabelledSamples& samples, const NoiseFit& fit,
                                       const std::function<void()>& alive = {});

}  // namespace bptplr
