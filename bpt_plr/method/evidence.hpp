// What passes from an epoch's evaluation to its selection.
#pragma once

#include "engine/tensor.hpp"

namespace bptplr {

/// What a network said about the n samples of an epoch, kept for the epoch.
struct KeptOutputs {
  Tensor logits;            ///< z [n, C]
  Tensor prototype_logits;  ///< s [n, C]; undefined where nothing asks for prototypes
  Tensor projection;        ///< q [n, low_dim]; undefined alike
};

/// One or two figures for each of n samples, float32 [n]: the higher, the less the label is to be
/// trusted. Losses are scaled to [0, 1].
struct Evidence {
  Tensor first;   ///< of the classifier
  Tensor second;  ///< of the prototypes; undefined where there is only one figure
};

}  // namespace bptplr
