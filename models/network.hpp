// What every network of the method is: a backbone, a classifier, and a projection head with
// prototypes.
#pragma once

#include <cstdint>
#include <optional>

#include "models/modules.hpp"
#include "models/network_config.hpp"
#include "models/projection_head.hpp"

namespace bptplr {

class Network {
 public:
  /// What a forward pass yields for n images.
  struct Output {
    Tensor logits;      ///< z [n, num_classes]
    Tensor projection;  ///< q [n, low_dim], unit rows
  };

  virtual ~Network() = default;

  /// x [n, h, w, 3], normalised; each network says which sides it takes.
  Output forward(const Tensor& x, const ForwardMode& mode);
  /// Only the logits: saves the projector. In training its BatchNorm, where it has one, sees the
  /// batch all the same: in published code every forward pass goes through the projector.
  Tensor classify(const Tensor& x, const ForwardMode& mode);

  /// Whether training passes draw random numbers, by ForwardMode::dropout.
  virtual bool has_dropout() const { return false; }

  /// P [num_classes, low_dim], unit rows; a buffer, updated by the method.
  Tensor& prototypes() { return head_->prototypes(); }
  const HeadConfig& heads() const { return heads_; }
  const NamedTensors& named() const { return named_; }
  NamedTensors& named() { return named_; }

 protected:
  /// `network` tells the networks of one seed apart. Throws Error for heads that are none.
  Network(const HeadConfig& heads, std::uint64_t seed, std::uint32_t network);
  Network(Network&&) = default;
  Network& operator=(Network&&) = default;

  /// Makes and names the projection head for features of length `features`: the last thing that
  /// the constructor of a network does, so that it comes last in names and initial values.
  void add_projection_head(std::int64_t features);

  /// What the heads see: h [n, features].
  virtual Tensor features(const Tensor& x, const ForwardMode& mode) = 0;
  /// z [n, num_classes] from h [n, features].
  virtual Tensor logits(const Tensor& h, const ForwardMode& mode) = 0;

  HeadConfig heads_;
  Initializer init_;
  NamedTensors named_;

 private:
  std::optional<ProjectionHead> head_;
};

}  // namespace bptplr
