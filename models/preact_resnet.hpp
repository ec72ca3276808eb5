// PreAct-ResNet (He et al., "Identity mappings in deep residual networks", 2016) for small images.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/modules.hpp"
#include "models/network.hpp"

namespace bptplr {

struct PreActResNetConfig {
  HeadConfig heads;
  /// Channels of the first stage; each further stage doubles them. 64 is the published network.
  std::int64_t width = 64;
  /// Pre-activation blocks in each of the four stages; 2, 2, 2, 2 is PreAct-ResNet18.
  StageBlocks blocks = {2, 2, 2, 2};
  Shortcut shortcut = Shortcut::kActivated;
};

/// Computes, with a = relu(bn1(x)), conv2(relu(bn2(conv1(a)))) + shortcut, where the shortcut is a
/// 1x1 convolution of `a` if the block changes the shape, else a (or x: see Shortcut).
class PreActBlock {
 public:
  /// Deferred x = conv(inside) + shortcut, which the BatchNorm of the next block computes together
  /// with its statistics; x = inside if conv is null.
  struct Pending {
    Tensor inside;
    const Conv2d* conv = nullptr;
    Tensor shortcut;
  };

  PreActBlock(Initializer& init, std::int64_t in, std::int64_t out, std::int64_t stride,
              Shortcut shortcut);
  /// Returns the block's deferred result, which refers to the block.
  Pending operator()(Pending x, const ForwardMode& mode);
  void name(NamedTensors& names, const std::string& prefix) const;

 private:
  BatchNorm bn1_;
  Conv2d conv1_;
  BatchNorm bn2_;
  Conv2d conv2_;
  std::optional<Conv2d> shortcut_;
  bool activated_shortcut_;
};

class PreActResNet final : public Network {
 public:
  /// Creates a network with PyTorch's default initialisation. `network` is its number among those
  /// that share a seed. Throws Error for a configuration out of range.
  PreActResNet(const PreActResNetConfig& config, std::uint64_t seed, std::uint32_t network);
  /// Throws Error unless images are squares whose side is a multiple of 8.
  static void check_images(std::int64_t height, std::int64_t width);

 private:
  /// Returns features [n, 8 width] of x [n, h, w, 3] with h = w, a multiple of 8.
  Tensor features(const Tensor& x, const ForwardMode& mode) override;
  Tensor logits(const Tensor& h, const ForwardMode& mode) override;
  void name_all();

  Conv2d conv1_;
  BatchNorm bn1_;
  std::vector<std::vector<PreActBlock>> layers_;
  Linear linear_;
};

}  // namespace bptplr
