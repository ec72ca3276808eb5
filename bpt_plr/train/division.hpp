// Steps 1 to 3 and 6 of an epoch (docs/method.md): from the networks' outputs to the sets that they
// are trained on, and the update of prototypes after training.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "bpt_plr/method/parts.hpp"
#include "bpt_plr/train/epoch_samples.hpp"
#include "models/network.hpp"

namespace bptplr {

/// Number of the epoch to divide.
struct EpochNumber {
  std::int64_t of_run = 0;    ///< keys the random streams
  std::int64_t of_stage = 0;  ///< position on the schedules
};

/// Divisions of an epoch's samples, and the evidence for each.
struct Divided {
  std::vector<Evidence> evidence;
  std::vector<Division> divisions;
};

/// Keeps a network's outputs for the samples of an epoch: z and, if the stage's recipe uses
/// prototypes, q and s from the network's prototypes.
KeptOutputs keep_outputs(const Recipe& recipe, Network& network, Network::Output output);

/// Divides the samples by the outputs of each network, with the recipe of the stage (in `parts`).
Divided divide(Parts& parts, std::span<const KeptOutputs* const> networks,
               const EpochSamples& samples, const EpochNumber& epoch);

/// Updates prototypes after a network has been trained, from its outputs at the epoch's start.
void move_prototypes(Parts& parts, const Recipe& recipe, const KeptOutputs& source,
                     std::int64_t epoch_of_stage, Tensor& prototypes);

/// Returns a hash of the sets and weights of divisions, which is alike where they are.
std::uint64_t hash_divisions(std::span<const Division> divisions);

/// Returns a sentence for each set of `division` that is smaller than a batch. `network` is 1 or 2.
std::vector<std::string> small_set_warnings(const Recipe& recipe, const Division& division,
                                            std::int64_t epoch, std::int64_t network);

}  // namespace bptplr
