// The logits of every kind of network as operators of ONNX.
#pragma once

#include <cstdint>

#include "bpt_plr/results/export/layers.hpp"
#include "models/network_config.hpp"

namespace bptplr {

/// Returns the logits [n, classes] of x: normalised images [n, 3, side, side], or vectors
/// [n, inputs].
Value logits_of(LayerBuilder& layers, const NetworkConfig& config, const Value& x,
                std::int64_t side);

}  // namespace bptplr
