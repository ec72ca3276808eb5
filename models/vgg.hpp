// VGG-19 with batch normalisation (Simonyan and Zisserman, 2015), as published for Animal-10N:
// torchvision's vgg19_bn, whose 7x7 map is the input of both the classifier and the projector. At
// full width the latter then begins with Linear(25088, 25088), 2.5 GB of weights; a map of 1x1, the
// mean over all positions, makes it Linear(512, 512).
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
  /// Side of the map that the features are averaged to.
  std::int64_t pool_side = kPublishedPool;

  /// Returns the number of features, 25088 of the published network.
  std::int64_t features() const { return 8 * width * pool_side * pool_side; }
};

/// Network whose projector and first classifier layer both receive all features.
class Vgg19 final : public Network {
 public:
  /// Creates a network with the published initial values: torchvision's, in the projector too, but
  /// the default of torch.nn in the last layer of the classifier. Throws Error for a configuration
  /// out of range.
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

  /// Returns all features, [n, features], of x [n, h, w, 3] with h and w at least 32.
  Tensor features(const Tensor& x, const ForwardMode& mode) override;
  Tensor logits(const Tensor& h, const ForwardMode& mode) override;
  static std::vector<Layer> make_layers(Initializer& init, std::int64_t width);
  void name_all();

  std::int64_t pool_side_;
  std::vector<Layer> layers_;
  Linear hidden1_;
  Linear hidden2_;
  Linear out_;
  Dropout dropout1_;
  Dropout dropout2_;
};

}  // namespace bptplr
