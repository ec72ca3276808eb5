// Configuration of a network.
#pragma once

#include <array>
#include <cstdint>

#include "engine/names.hpp"

namespace bptplr {

/// Networks, each with a row in network_table.cpp.
enum class Arch { kPreActResNet, kResNet50, kVgg19Bn, kCnn9, kMlp, kLinear };
constexpr auto names_of(Arch) {
  return std::to_array<NamedValue<Arch>>({{Arch::kPreActResNet, "preact_resnet"},
                                          {Arch::kResNet50, "resnet50"},
                                          {Arch::kVgg19Bn, "vgg19_bn"},
                                          {Arch::kCnn9, "cnn9"},
                                          {Arch::kMlp, "mlp"},
                                          {Arch::kLinear, "linear"}});
}

/// Shortcut of a PreAct-ResNet block without a 1x1 convolution: what it adds to its result.
enum class Shortcut {
  kIdentity,  ///< its input x, as He et al. do
  kActivated  ///< relu(bn1(x)), as the network published with the method does
};
constexpr auto names_of(Shortcut) {
  return std::to_array<NamedValue<Shortcut>>(
      {{Shortcut::kIdentity, "identity"}, {Shortcut::kActivated, "activated"}});
}

/// Function from features h to a projection q.
enum class Projector {
  kMlp,             ///< q = normalize(W2 relu(W1 h + b1) + b2), as many hidden units as h is long
  kLinearBatchNorm  ///< q = normalize(BatchNorm(W h + b)), as in UNICON (Karim et al., CVPR 2022)
};
constexpr auto names_of(Projector) {
  return std::to_array<NamedValue<Projector>>(
      {{Projector::kMlp, "mlp"}, {Projector::kLinearBatchNorm, "linear_bn"}});
}

/// Configuration of the heads of a network.
struct HeadConfig {
  std::int64_t num_classes = 10;
  /// Length of a projection.
  std::int64_t low_dim = 128;
  Projector projector = Projector::kMlp;
};

/// Side of the map of torchvision's VGG, and of the one published with BPT-PLR.
inline constexpr std::int64_t kPublishedPool = 7;
/// Largest side that a network can be made with.
inline constexpr std::int64_t kMaxPoolSide = 16;

/// Largest mlp.
inline constexpr std::int64_t kMaxMlpWidth = 16384;
inline constexpr std::int64_t kMaxMlpDepth = 16;

/// Residual blocks in each of four stages.
using StageBlocks = std::array<int, 4>;

/// Configuration of a network of any kind; each kind reads only the fields that it needs.
struct NetworkConfig {
  Arch arch = Arch::kPreActResNet;
  HeadConfig heads;
  /// Channels of the first stage; 64 is the published network of each kind. Units of a hidden layer
  /// of an mlp.
  std::int64_t width = 64;
  StageBlocks blocks = {2, 2, 2, 2};
  Shortcut shortcut = Shortcut::kActivated;
  /// Side of the map that features are averaged to; kPublishedPool is the published network.
  std::int64_t pool_side = kPublishedPool;
  std::int64_t inputs = 0;  ///< values of a vector, for networks that take vectors
  std::int64_t depth = 2;   ///< hidden layers of an mlp
  double dropout = 0.0;     ///< of an mlp
};

}  // namespace bptplr
