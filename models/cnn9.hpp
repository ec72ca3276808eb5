// 9-layer CNN of Co-teaching (Han et al., NeurIPS 2018, table 2), common for noisy labels:
// BatchNorm and LeakyReLU(0.01) after each convolution, dropout of whole channels. The published
// program also drops in evaluation; here dropout is off in evaluation.
#pragma once

#include <cstdint>
#include <vector>

#include "models/network.hpp"

namespace bptplr {

struct Cnn9Config {
  HeadConfig heads;
  /// Half of the channels of the first convolutions; 64 is the published network, which has 128.
  std::int64_t width = 64;
};

class Cnn9 final : public Network {
 public:
  /// Creates a network with PyTorch's default initialisation. Throws Error for a configuration out
  /// of range.
  Cnn9(const Cnn9Config& config, std::uint64_t seed, std::uint32_t network);
  /// Throws Error unless images have 28 pixels or more on each axis: two halvings leave 7, of which
  /// three unpadded convolutions remove six.
  static void check_images(std::int64_t height, std::int64_t width);

  bool has_dropout() const override { return true; }

 private:
  struct Layer {
    Conv2d conv;
    BatchNorm bn;
  };

  /// Returns features [n, 2 width] of x [n, h, w, 3] with h and w at least 28.
  Tensor features(const Tensor& x, const ForwardMode& mode) override;
  Tensor logits(const Tensor& h, const ForwardMode& mode) override;
  static std::vector<Layer> make_layers(Initializer& init, std::int64_t width);
  void name_all();

  std::vector<Layer> layers_;
  Linear out_;
  Dropout dropouts_[2];  ///< after layers 3 and 6
};

}  // namespace bptplr
