// Evaluates networks on samples of a set, in evaluation mode and the test view.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "data/views.hpp"
#include "engine/communicator.hpp"
#include "models/network.hpp"

namespace bptplr {

/// Called after each batch with the number of samples done and of all samples; equally often on
/// every rank.
using EvaluationProgress = std::function<void(std::int64_t done, std::int64_t total)>;

/// Returns z [n, C] and q [n, low_dim] of the samples with the n indices `samples`, which the ranks
/// of the group share out.
Network::Output evaluate(Network& network, const ViewMaker& views,
                         std::span<const std::int64_t> samples,
                         const EvaluationProgress& progress = {},
                         Communicator& group = Communicator::alone());
/// Returns z [N, C] and q [N, low_dim] of all N samples.
Network::Output evaluate(Network& network, const ViewMaker& views);

/// Returns prototype logits s = q P^T / temperature [n, C].
Tensor prototype_logits(const Tensor& projection, const Tensor& prototypes, double temperature);

/// Returns z_1 + z_2 + ... [N, C] of every sample, from which the method classifies; on the CPU.
Tensor summed_logits(const std::vector<Network*>& networks, const ViewMaker& views,
                     Communicator& group = Communicator::alone());

/// Returns the accuracy in percent of the networks' summed logits on all samples.
double test_accuracy(const std::vector<Network*>& networks, const ViewMaker& views,
                     std::span<const std::int64_t> labels,
                     Communicator& group = Communicator::alone());

}  // namespace bptplr
