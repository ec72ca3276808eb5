// Evaluation passes: what a network says about images of a set, in evaluation mode and the
// test view.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "data/views.hpp"
#include "models/network.hpp"

namespace bptplr {

/// Called after each batch with the number of images done and of all images.
using EvaluationProgress = std::function<void(std::int64_t done, std::int64_t total)>;

/// z [n, C] and q [n, low_dim] of the images with these n numbers.
Network::Output evaluate(Network& network, const ViewMaker& views,
                         std::span<const std::int64_t> samples,
                         const EvaluationProgress& progress = {});
/// The same of all images.
Network::Output evaluate(Network& network, const ViewMaker& views);

/// Prototype logits s = q P^T / temperature [n, C].
Tensor prototype_logits(const Tensor& projection, const Tensor& prototypes, double temperature);

/// z_1 + z_2 + ... [N, C] of every image, what the method classifies by; on the CPU.
Tensor summed_logits(const std::vector<Network*>& networks, const ViewMaker& views);

/// Percent of all images that the sum of the networks' logits classifies as `labels` say.
double test_accuracy(const std::vector<Network*>& networks, const ViewMaker& views,
                     std::span<const std::int64_t> labels);

}  // namespace bptplr
