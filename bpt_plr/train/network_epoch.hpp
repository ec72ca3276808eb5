// Inputs of one network's training in one epoch, and the random streams that belong to it.
#pragma once

#include <cstdint>
#include <span>

#include "bpt_plr/method/batch.hpp"
#include "bpt_plr/recipe/recipe.hpp"
#include "bpt_plr/train/epoch_samples.hpp"
#include "data/views.hpp"
#include "engine/random.hpp"
#include "models/modules.hpp"

namespace bptplr {

/// Training of one network in one epoch. Random streams are keyed by (seed, purpose, epoch,
/// network, iteration, ...), so an epoch depends only on its number and the state of the networks.
struct NetworkEpoch {
  const Recipe& recipe;  ///< recipe of the stage
  const EpochSamples& samples;
  const ViewMaker& views;           ///< of the training samples
  std::int64_t epoch = 0;           ///< number in the whole run: keys the random streams
  std::int64_t epoch_of_stage = 0;  ///< position on the schedules
  int network = 0;                  ///< 0 or 1: keys the random streams of the two networks
  Communicator* group = &Communicator::alone();  ///< ranks that share out each batch

  std::uint64_t seed() const { return static_cast<std::uint64_t>(recipe.seed); }
  std::uint32_t stream_epoch() const { return static_cast<std::uint32_t>(epoch); }
  std::uint32_t stream_network() const { return static_cast<std::uint32_t>(network); }

  /// Returns the random stream for the MixUp of an iteration.
  Philox mixup_stream(std::int64_t iteration) const;
  /// Returns the key of the dropout of an iteration.
  DropoutKey dropout_key(std::int64_t iteration) const;
  /// Plans views `first_view`, first_view + 1, ... of the same samples, one stack after the other.
  std::vector<PlannedView> plan_views(std::span<const std::int64_t> positions, View view,
                                      std::int64_t iteration, int first_view, int count) const;
  /// Returns this rank's views of a plan whose views make these parts.
  std::vector<PlannedView> own_views(std::vector<PlannedView> plan,
                                     const std::vector<std::int64_t>& parts) const;
  /// Writes down which views this rank's rows of `plan` are mixed with: row i of the whole with row
  /// batch.permutation[i]. Does nothing where all of them are this rank's.
  void plan_partners(const std::vector<PlannedView>& plan, const std::vector<std::int64_t>& parts,
                     Batch& batch) const;
  /// Starts reading the images of this rank's part of the next samples.
  void prefetch(std::span<const std::int64_t> positions) const;
};

/// Returns a number that distinguishes the views of a sample within an epoch.
std::uint32_t view_number(std::int64_t iteration, int network, int view);
/// Throws Error if view_number cannot distinguish that many iterations.
void require_countable(std::int64_t iterations);

}  // namespace bptplr
