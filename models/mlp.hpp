// Multi-layer perceptron for vectors, such as features of a pretrained network. Without hidden
// layers it is linear: the classifier of logistic regression.
#pragma once

#include <cstdint>
#include <vector>

#include "models/network.hpp"

namespace bptplr {

struct MlpConfig {
  HeadConfig heads;
  std::int64_t inputs = 0;  ///< values of a vector
  std::int64_t width = 64;  ///< units of a hidden layer
  std::int64_t depth = 2;   ///< hidden layers; 0: the features of the heads are the vector
  double dropout = 0.0;     ///< share of the units of a hidden layer that training drops
};

/// Hidden layers are torch.nn.Linear, BatchNorm1d, ReLU and Dropout; parameters are called
/// layers.L.linear, layers.L.bn and linear.
class Mlp final : public Network {
 public:
  /// Creates a network with PyTorch's default initialisation. Throws Error for a configuration out
  /// of range.
  Mlp(const MlpConfig& config, std::uint64_t seed, std::uint32_t network);

  bool has_dropout() const override { return dropout_ > 0.0; }

 private:
  struct Layer {
    Linear linear;
    BatchNorm bn;
    Dropout dropout;
  };

  /// Returns features [n, width] of x [n, inputs]; [n, inputs] without hidden layers.
  Tensor features(const Tensor& x, const ForwardMode& mode) override;
  Tensor logits(const Tensor& h, const ForwardMode& mode) override;
  static std::vector<Layer> make_layers(Initializer& init, const MlpConfig& config);

  std::int64_t inputs_;
  double dropout_;
  std::vector<Layer> layers_;
  Linear out_;
};

}  // namespace bptplr
