// VGG-19 with batch normalisation (Simonyan and Zisserman, 2015), as used for Animal-10N:
// torchvision's vgg19_bn, but with a mean over the whole map instead of pooling to 7x7, so that the
// classifier starts with Linear(512, 4096) for images of any size.
#pragma once

#include <cstdint>
#include <vector>

#include "models/network.hpp"

namespace bptplr {

struct Vgg19Config {
  HeadConfig heads;
  /// Channels of the first two convolutions; 64 is the published network.
  std::int64_t width = 64;
  /// Units of both hidden layers of the classifier; 4096 is the published number.
  std::int64_t hidden = 4096;
};

/// Network whose projector and first classifier layer both receive the 8 width features.
class Vgg19 final : public Network {
 public:
  /// Creates a network with torchvision's initialisation. Throws Error for a configuration out of
  /// range.
  Vgg19(const Vgg19Config& config, std::uint64_t seed, std::uint32_t network);
  /// Throws Error unless images have 32 pixels or more on each axis, which is halved five times.
  static void check_images(std::int64_t height, std::int64_t width);

  bool has_dropout() const override { return true; }

 private:
  /// Convolution with its BatchNorm, ReLU and pooling, and its index in torchvision's `features`.
  struct Layer {
    int index;
    Conv2d conv;
    BatchNorm bn;
    bool pool;  ///< whether 2x2 max pooling follows
  };

  /// Returns features [n, 8 width] of x [n, h, w, 3] with h and w at least 32.
  Tensor features(const Tensor& x, const ForwardMode& mode) override;
  Tensor logits(const Tensor& h, const ForwardMode& mode) override;
  static std::vector<Layer> make_layers(Initializer& init, std::int64_t width);
  void name_all();

  std::vector<Layer> layers_;
  Linear hidden1_;
  Linear hidden2_;
  Linear out_;
  Dropout dropout1_;
  Dropout dropout2_;
};

}  // namespace bptplr
