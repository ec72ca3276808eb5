// Bytes that ranks have to exchange, from the shapes of a network alone: the other half of what
// Communicator::traffic() counts.
#pragma once

#include <cstdint>

#include "bpt_plr/recipe/recipe.hpp"
#include "models/network.hpp"

namespace bptplr {

/// Bytes that pass the link of a rank in an iteration, as Traffic has them.
struct TrafficBytes {
  double gathered = 0.0;
  double summed = 0.0;
};

/// Returns those of an iteration of BPT-PLR on as many labelled as unlabelled samples, in float32
/// (docs/cluster.md#bytes-of-an-iteration). What pads messages to a common length is not in them.
TrafficBytes expected_traffic(const Recipe& recipe, const Network& network, int ranks);

}  // namespace bptplr
