// The part of a network that the contrastive losses see.
#pragma once

#include <cstdint>
#include <optional>

#include "models/modules.hpp"
#include "models/network_config.hpp"

namespace bptplr {

/// The projector, and one prototype a class in the space of q. Named projector.0, projector.2 (or
/// projector.1, the BatchNorm) and prototypes.
class ProjectionHead {
 public:
  ProjectionHead(Initializer& init, std::int64_t features, Projector projector,
                 std::int64_t low_dim, std::int64_t num_classes);
  /// h [n, features] -> q [n, low_dim], unit rows.
  Tensor project(const Tensor& h, const ForwardMode& mode);
  /// Has the running statistics of a BatchNorm take note of h in training, as if it were projected.
  void observe(const Tensor& h, const ForwardMode& mode);
  /// [num_classes, low_dim], unit rows, at first of random directions.
  Tensor& prototypes() { return prototypes_; }
  void name(NamedTensors& names) const;

 private:
  Linear first_;
  std::optional<Linear> second_;   ///< of kMlp
  std::optional<BatchNorm> norm_;  ///< of kLinearBatchNorm
  Tensor prototypes_;
};

}  // namespace bptplr
