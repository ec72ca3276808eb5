// One epoch of one network: warm-up (or a baseline), and semi-supervised training.
// Random choices come from the counter-based streams of (seed, purpose, epoch, network, ...), so an
// epoch depends on nothing but its number and the state of the networks.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>

#include "bpt_plr/method/selection.hpp"
#include "bpt_plr/recipe/recipe.hpp"
#include "bpt_plr/train/epoch_samples.hpp"
#include "data/views.hpp"
#include "engine/error.hpp"
#include "engine/optimizer.hpp"
#include "models/network.hpp"

namespace bptplr {

using LossTerms = std::map<std::string, double>;

/// Means of losses over iterations.
class LossMeans {
 public:
  LossMeans() = default;
  /// Goes on from what `sums` gave.
  explicit LossMeans(const nlohmann::json& sums);
  nlohmann::json sums() const;

  void add(const LossTerms& terms);
  /// The means so far, by name.
  LossTerms means() const;

 private:
  std::map<std::string, std::pair<double, std::int64_t>> sums_;
};

/// Called for every iteration, in order: iterations done and in all, samples drawn by this call so
/// far, its losses. A GPU may be some iterations ahead.
using IterationReport = std::function<void(std::int64_t iteration, std::int64_t iterations,
                                           std::int64_t images, const LossTerms& losses)>;

/// Training has met a loss or a gradient that is not finite. The parameters are those before that
/// iteration, unless only the loss is at fault. (The running statistics may have seen a few
/// iterations more, as a GPU is ahead of the host.)
class NotFinite : public Error {
 public:
  using Error::Error;
};

/// Thrown between iterations where `wants_stop` says so. All that were begun have been reported.
struct Stopped {};

/// What every epoch needs to know.
struct EpochContext {
  const Recipe& recipe;  ///< of the stage
  const EpochSamples& samples;
  const ViewMaker& views;           ///< of the training images
  std::int64_t epoch = 0;           ///< of the whole run: separates random streams
  std::int64_t epoch_of_stage = 0;  ///< where schedules are
  int network = 0;                  ///< 0 or 1; separates the random streams of the two networks
  /// Iterations that are done already, where an interrupted epoch goes on.
  std::int64_t first_iteration = 0;
  IterationReport report;
  /// Asked after every iteration.
  std::function<bool()> wants_stop;
  /// Told what the user should know.
  std::function<void(const std::string& sentence)> warn;

  std::uint64_t seed() const { return static_cast<std::uint64_t>(recipe.seed); }
};

/// One pass over the samples, all labels trusted: the warm-up, or a baseline. Returns how many it
/// drew. Throws NotFinite, naming iteration and terms, when a loss or a gradient is not finite, and
/// Stopped.
std::int64_t warm_up_epoch(const EpochContext& context, Network& network, Sgd& optimizer);

/// What network k trains on.
struct CoDivision {
  const Division& division;  ///< of the n samples, as the exchange has it
  const Tensor& logits;      ///< z [n, C] of network j, for the class sets
};

/// The iterations of plan_epoch (step 5). Returns and throws as above.
std::int64_t semi_supervised_epoch(const EpochContext& context, const CoDivision& co_division,
                                   Network& k, Network& j, Sgd& optimizer);

}  // namespace bptplr
