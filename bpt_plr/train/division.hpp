// Steps 1 to 3 and 6 of an epoch (docs/method.md): from what the networks say about its samples to
// the sets that they train on, and what training moves in the prototypes.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "bpt_plr/method/parts.hpp"
#include "bpt_plr/train/epoch_samples.hpp"
#include "models/network.hpp"

namespace bptplr {

/// Which epoch is divided.
struct EpochNumber {
  std::int64_t of_run = 0;    ///< keys random numbers
  std::int64_t of_stage = 0;  ///< position on the schedules
};

/// Divisions of an epoch's samples, and the evidence that each comes from.
struct Divided {
  std::vector<Evidence> evidence;
  std::vector<Division> divisions;
};

/// Keeps what a network said about the samples of an epoch: z and, where the recipe of the stage
/// uses prototypes, q and s by the network's prototypes.
KeptOutputs keep_outputs(const Recipe& recipe, Network& network, Network::Output output);

/// Divides the samples by what each of the networks said of them. The recipe is that of the stage.
Divided divide(Parts& parts, std::span<const KeptOutputs* const> networks,
               const EpochSamples& samples, const EpochNumber& epoch);

/// Moves prototypes after a network has been trained, by the outputs that the epoch began with.
void move_prototypes(Parts& parts, const Recipe& recipe, const KeptOutputs& source,
                     std::int64_t epoch_of_stage, Tensor& prototypes);

/// Returns a sentence for each set of `division` that is smaller than a batch. `network` is 1 or 2.
std::vector<std::string> small_set_warnings(const Recipe& recipe, const Division& division,
                                            std::int64_t epoch, std::int64_t network);

}  // namespace bptplr
