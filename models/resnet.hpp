// ResNet with bottleneck blocks (He et al., "Deep residual learning for image recognition", 2016)
// as torchvision has it: version 1.5, in which the 3x3 convolution strides.
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
  /// them, and blocks put out four times as many. 64 is the published network.
  std::int64_t width = 64;
  /// Blocks in each of the four stages; 3, 4, 6, 3 is ResNet-50.
  StageBlocks blocks = {3, 4, 6, 3};
};

/// relu(bn3(conv3(relu(bn2(conv2(relu(bn1(conv1(x)))))))) + identity), with convolutions of 1x1,
/// 3x3 and 1x1; identity is x, or downsample(x), a strided 1x1 convolution with a BatchNorm, where
/// the shape changes.
class Bottleneck {
 public:
  /// `in` channels -> 4 `width`.
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
  /// A network with torchvision's initialisation. Throws Error for a configuration that is no
  /// network.
  ResNet(const ResNetConfig& config, std::uint64_t seed, std::uint32_t network);

 private:
  /// x [n, h, w, 3] -> [n, 32 width]; the last map has sides of a thirty-second of the image's,
  /// rounded up.
  Tensor features(const Tensor& x, const ForwardMode& mode) override;
  Tensor logits(const Tensor& h, const ForwardMode& mode) override;
  void name_all();

  Conv2d conv1_;
  BatchNorm bn1_;
  std::vector<std::vector<Bottleneck>> layers_;
  Linear fc_;
};

}  // namespace bptplr
