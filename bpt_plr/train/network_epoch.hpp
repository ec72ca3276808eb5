// One epoch of one network: what it trains on, and the random streams that belong to it.
#pragma once

#include <cstdint>
#include <span>

#include "bpt_plr/recipe/recipe.hpp"
#include "bpt_plr/train/epoch_samples.hpp"
#include "data/views.hpp"
#include "engine/random.hpp"
#include "models/modules.hpp"

namespace bptplr {

/// Random numbers are drawn from streams keyed by (seed, purpose, epoch, network, iteration, ...),
/// so an epoch depends on nothing but its number and the state of the networks.
struct NetworkEpoch {
  const Recipe& recipe;  ///< of the stage
  const EpochSamples& samples;
  const ViewMaker& views;           ///< of the training images
  std::int64_t epoch = 0;           ///< of the whole run: keys the random streams
  std::int64_t epoch_of_stage = 0;  ///< position on the schedules
  int network = 0;                  ///< 0 or 1: keys the random streams of the two networks

  std::uint64_t seed() const { return static_cast<std::uint64_t>(recipe.seed); }
  std::uint32_t stream_epoch() const { return static_cast<std::uint32_t>(epoch); }
  std::uint32_t stream_network() const { return static_cast<std::uint32_t>(network); }

  /// Returns the stream from which the MixUp of an iteration is drawn.
  Philox mixup_stream(std::int64_t iteration) const;
  /// Returns the key of the dropout of an iteration.
  DropoutKey dropout_key(std::int64_t iteration) const;
  /// Plans views `first_view`, first_view + 1, ... of the same samples, one stack after the other.
  ViewPlan plan_views(std::span<const std::int64_t> positions, View view, std::int64_t iteration,
                      int first_view, int count) const;
  /// Starts reading the images of samples that come next.
  void prefetch(std::span<const std::int64_t> positions) const;
};

/// Returns the number that tells apart the views of one sample in one epoch.
std::uint32_t view_number(std::int64_t iteration, int network, int view);
/// Throws Error where view_number cannot tell that many iterations apart.
void require_countable(std::int64_t iterations);

}  // namespace bptplr
