// One epoch of one network: a sampler makes batches, a step trains on each, losses are reported.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>

#include "bpt_plr/method/selection.hpp"
#include "bpt_plr/train/graphed_step.hpp"
#include "bpt_plr/train/loss_queue.hpp"
#include "bpt_plr/train/network_epoch.hpp"
#include "engine/optimizer.hpp"
#include "models/network.hpp"

namespace bptplr {

/// Means of losses over iterations.
class LossMeans {
 public:
  LossMeans() = default;
  /// Goes on from what `sums` returned.
  explicit LossMeans(const nlohmann::json& sums);
  nlohmann::json sums() const;

  void add(const LossTerms& terms);
  /// Returns the means so far, by name.
  LossTerms means() const;

 private:
  std::map<std::string, std::pair<double, std::int64_t>> sums_;
};

/// Reports an iteration, in order: iterations done and in all, samples drawn by this call so far,
/// its losses. A GPU may be some iterations ahead.
using IterationReport = std::function<void(std::int64_t iteration, std::int64_t iterations,
                                           std::int64_t images, const LossTerms& losses)>;

/// Thrown between iterations where `wants_stop` says so. All that were begun have been reported.
struct Stopped {};

/// What the caller of an epoch wants of it.
struct EpochControl {
  /// Iterations that have been done, where an interrupted epoch goes on.
  std::int64_t first_iteration = 0;
  IterationReport report = {};
  /// Asked after every iteration.
  std::function<bool()> wants_stop = {};
  /// Receives sentences for the user.
  std::function<void(const std::string& sentence)> warn = {};
};

/// Returns how the steps of `network` may be recorded: on a GPU, where the recipe allows it and the
/// network draws no dropout.
GraphedStep::Options graph_options(const NetworkEpoch& epoch, const Network& network,
                                   std::function<void(const std::string&)> warn);

/// Trains a network for one pass over the samples, trusting all labels: the warm-up, or a baseline.
/// Returns how many samples it drew. Throws NotFinite, naming iteration and terms, when a loss or a
/// gradient is not finite, and Stopped.
std::int64_t warm_up_epoch(const NetworkEpoch& epoch, const EpochControl& control, Network& network,
                           Sgd& optimizer);

/// Trains network k on the division made for it, with the help of network j; `logits_j` [n, C] is
/// what j said of the epoch's samples, for the class sets. Returns and throws as above.
std::int64_t semi_supervised_epoch(const NetworkEpoch& epoch, const EpochControl& control,
                                   const Division& division, const Tensor& logits_j, Network& k,
                                   Network& j, Sgd& optimizer);

}  // namespace bptplr
