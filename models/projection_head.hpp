// Projection head of a network, the input of the contrastive losses.
#pragma once

#include <cstdint>
#include <optional>

#include "models/modules.hpp"
#include "models/network_config.hpp"

namespace bptplr {

/// Projector, and one prototype per class in the space of q. Named projector.0, projector.2 (or
/// projector.1, the BatchNorm) and prototypes.
class ProjectionHead {
 public:
  ProjectionHead(Initializer& init, std::int64_t features, const HeadConfig& heads,
                 InitialValues initial);
  /// Returns q [n, low_dim], unit rows, of h [n, features].
  Tensor project(const Tensor& h, const ForwardMode& mode);
  /// Updates the running statistics of a BatchNorm with h in training, as if it were projected.
  void observe(const Tensor& h, const ForwardMode& mode);
  /// Returns prototypes [num_classes, low_dim], unit rows; zeros until the end of the warm-up makes
  /// them, as published.
  Tensor& prototypes() { return prototypes_; }
  void name(NamedTensors& names) const;

 private:
  Linear first_;
  std::optional<Linear> second_;   ///< only kMlp
  std::optional<BatchNorm> norm_;  ///< only kLinearBatchNorm
  Tensor prototypes_;
};

}  // namespace bptplr
