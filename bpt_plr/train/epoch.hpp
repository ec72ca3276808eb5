// Trains one network for one epoch: a sampler makes batches, a step trains, losses are reported.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
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
  /// Resumes from the value that `sums` returned.
  explicit LossMeans(const nlohmann::json& sums);
  nlohmann::json sums() const;

  void add(const LossTerms& terms);
  /// Returns the means so far, by name.
  LossTerms means() const;

 private:
  std::map<std::string, std::pair<double, std::int64_t>> sums_;
};

/// Receives each iteration in order: its number (from 1), their total, the samples drawn by this
/// call so far, and its losses. A GPU may be some iterations ahead.
using IterationReport = std::function<void(std::int64_t iteration, std::int64_t iterations,
                                           std::int64_t images, const LossTerms& losses)>;

/// Thrown between iterations if `wants_stop` returns true; all earlier iterations are reported.
struct Stopped {};

/// Options and callbacks of an epoch.
struct EpochControl {
  /// Number of iterations already done, in a resumed epoch.
  std::int64_t first_iteration = 0;
  IterationReport report = {};
  /// Called after every iteration; true stops the epoch.
  std::function<bool()> wants_stop = {};
  /// Receives sentences for the user.
  std::function<void(const std::string& sentence)> warn = {};
};

/// Returns how the steps of `network` may be recorded: only on a GPU, if the recipe allows it and
/// the network has no dropout.
GraphedStep::Options graph_options(const NetworkEpoch& epoch, const Network& network,
                                   std::function<void(const std::string&)> warn);

/// Trains a network for one pass over the samples, trusting all labels (warm-up, or a baseline).
/// Returns the number of samples drawn. Throws NotFinite, naming iteration and terms, for a loss or
/// gradient that is not finite, and Stopped.
std::int64_t warm_up_epoch(const NetworkEpoch& epoch, const EpochControl& control, Network& network,
                           Sgd& optimizer);

/// Trains network k on its division with the help of network j, whose outputs `logits_j` [n, C] for
/// the epoch's samples make the class sets. Returns the number of samples drawn. Throws NotFinite,
/// naming iteration and terms, for a loss or gradient that is not finite, and Stopped.
std::int64_t semi_supervised_epoch(const NetworkEpoch& epoch, const EpochControl& control,
                                   const Division& division, const Tensor& logits_j, Network& k,
                                   Network& j, Sgd& optimizer);

}  // namespace bptplr
