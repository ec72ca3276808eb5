// ResNet with bottleneck blocks (He et al., "Deep residual learning for image recognition", 2016)
// as in torchvision: version 1.5, whose 3x3 convolutions have the stride.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/network.hpp"

namespace bptplr {

struct ResNetConfig {
  HeadConfig heads;
  /// Channels of the stem and inside the blocks of the first stage; each further stage doubles
  /// them, and the output of a block has four times as many. 64 is the published network.
  std::int64_t width = 64;
  /// Blocks in each of the four stages; 3, 4, 6, 3 is ResNet-50.
  StageBlocks blocks = {3, 4, 6, 3};
};

/// Computes relu(bn3(conv3(relu(bn2(conv2(relu(bn1(conv1(x)))))))) + identity), with convolutions
/// of 1x1, 3x3 and 1x1; identity is x or, where the shape changes, downsample(x), a strided 1x1
/// convolution with a BatchNorm.
class Bottleneck {
 public:
  /// Creates a block from `in` to 4 `width` channels.
  Bottleneck(Initializer& init, std::int64_t in, std::int64_t width, std::int64_t stride);
  Tensor operator()(const Tensor& x, const ForwardMode& mode);
  void name(NamedTensors& names, const std::string& prefix) const;

 private:
  struct Downsample {
    Conv2d conv;
    BatchNorm bn;
  };

  Conv2d conv1_;
  BatchNorm bn1_;
  Conv2d conv2_;
  BatchNorm bn2_;
  Conv2d conv3_;
  BatchNorm bn3_;
  std::optional<Downsample> downsample_;
};

class ResNet final : public Network {
 public:
  /// Creates a network with torchvision's initialisation. Throws Error for a configuration out of
  /// range.
  ResNet(const ResNetConfig& config, std::uint64_t seed, std::uint32_t network);

 private:
  /// Returns features [n, 32 width] of x [n, h, w, 3]; the sides of the last map are a
  /// thirty-second of the image's, rounded up.
  Tensor features(const Tensor& x, const ForwardMode& mode) override;
  Tensor logits(const Tensor& h, const ForwardMode& mode) override;
  void name_all();

  Conv2d conv1_;
  BatchNorm bn1_;
  std::vector<std::vector<Bottleneck>> layers_;
  Linear fc_;
};

}  // namespace bptplr
