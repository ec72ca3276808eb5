// Outputs and evidence that an epoch's evaluation passes to its selection.
#pragma once

#include "engine/tensor.hpp"

namespace bptplr {

/// Outputs of a network for the n samples of an epoch, kept for the epoch.
struct KeptOutputs {
  Tensor logits;            ///< z [n, C]
  Tensor prototype_logits;  ///< s [n, C]; undefined if prototypes are unused
  Tensor projection;        ///< q [n, low_dim]; undefined if prototypes are unused
};

/// One or two figures for each of n samples, float32 [n]; a higher one means a less trustworthy
/// label. Losses are scaled to [0, 1].
struct Evidence {
  Tensor first;   ///< from the classifier
  Tensor second;  ///< from the prototypes; undefined if there is only one figure
};

}  // namespace bptplr
