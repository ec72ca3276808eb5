// Base class of all networks: a backbone, a classifier, and a projection head with prototypes.
#pragma once

#include <cstdint>
#include <optional>

#include "models/modules.hpp"
#include "models/network_config.hpp"
#include "models/projection_head.hpp"

namespace bptplr {

class Network {
 public:
  /// Outputs of a forward pass for n samples.
  struct Output {
    Tensor logits;      ///< z [n, num_classes]
    Tensor projection;  ///< q [n, low_dim], unit rows
  };

  virtual ~Network() = default;

  /// Returns the outputs for x, normalised: images [n, h, w, 3], whose valid sides depend on the
  /// network, or vectors [n, inputs].
  Output forward(const Tensor& x, const ForwardMode& mode);
  /// Returns only the logits, without computing the projector. Its BatchNorm, if any, still
  /// observes the batch in training: in published code every forward pass includes the projector.
  Tensor classify(const Tensor& x, const ForwardMode& mode);

  /// Returns h [n, features], the input of the heads, in evaluation mode.
  Tensor embed(const Tensor& x) { return features(x, {}); }

  /// Returns whether training passes draw random numbers, by ForwardMode::dropout.
  virtual bool has_dropout() const { return false; }

  /// Returns P [num_classes, low_dim], unit rows; a buffer, updated by the method, and zeros while
  /// there are none.
  Tensor& prototypes() { return head_->prototypes(); }
  const HeadConfig& heads() const { return heads_; }
  const NamedTensors& named() const { return named_; }
  NamedTensors& named() { return named_; }

 protected:
  /// Receives `network`, the number of the network among those that share a seed. Throws Error for
  /// an invalid configuration of the heads.
  Network(const HeadConfig& heads, std::uint64_t seed, std::uint32_t network);
  Network(Network&&) = default;
  Network& operator=(Network&&) = default;

  /// Creates and names the projection head for features of length `features`. Must be the last call
  /// in a network's constructor, so that the head is last in names and initial values.
  void add_projection_head(std::int64_t features, InitialValues initial = InitialValues::kPyTorch);

  /// Returns the input of the heads, h [n, features].
  virtual Tensor features(const Tensor& x, const ForwardMode& mode) = 0;
  /// Returns z [n, num_classes] from h [n, features].
  virtual Tensor logits(const Tensor& h, const ForwardMode& mode) = 0;

  HeadConfig heads_;
  Initializer init_;
  NamedTensors named_;

 private:
  std::optional<ProjectionHead> head_;
};

}  // namespace bptplr
