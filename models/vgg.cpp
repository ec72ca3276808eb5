#include "models/vgg.hpp"

#include <algorithm>
#include <iterator>

#include "engine/error.hpp"

namespace bptplr {
namespace {

constexpr double kDropoutRate = 0.5;
constexpr auto kInitial = InitialValues::kTorchvision;

/// Number of 3x3 convolutions in a stage, and their channels as multiples of the width:
/// configuration E.
struct Stage {
  int convolutions;
  std::int64_t widths;
};
constexpr Stage kStages[] = {{2, 1}, {2, 2}, {4, 4}, {4, 8}, {4, 8}};
constexpr std::int64_t kMinSide = 1 << std::size(kStages);

const Vgg19Config& checked(const Vgg19Config& config) {
  require(config.width >= 1 && config.width <= 1024, "--width {} is not in 1..1024", config.width);
  require(config.hidden >= 1, "the classifier of VGG needs at least one hidden unit");
  require(config.pool_side >= 1 && config.pool_side <= kMaxPoolSide,
          "--pool_side {} is not in 1..{}", config.pool_side, kMaxPoolSide);
  return config;
}

}  // namespace

std::vector<Vgg19::Layer> Vgg19::make_layers(Initializer& init, std::int64_t width) {
  std::vector<Layer> layers;
  std::int64_t in = 3;
  int index = 0;
  for (const Stage& stage : kStages) {
    const std::int64_t out = stage.widths * width;
    for (int i = 0; i < stage.convolutions; ++i) {
      const Conv2dOptions options{.padding = 1, .bias = true, .initial = kInitial};
      layers.push_back({index, Conv2d(init, in, out, 3, options), BatchNorm(out, Activation::kRelu),
                        i + 1 == stage.convolutions});
      in = out;
      index += 3;  // convolution, BatchNorm, ReLU
    }
    ++index;  // pooling
  }
  return layers;
}

Vgg19::Vgg19(const Vgg19Config& config, std::uint64_t seed, std::uint32_t network)
    : Network(config.heads, seed, network),
      pool_side_(checked(config).pool_side),
      layers_(make_layers(init_, config.width)),
      hidden1_(init_, config.features(), config.hidden, kInitial),
      hidden2_(init_, config.hidden, config.hidden, kInitial),
      out_(init_, config.hidden, config.heads.num_classes),
      dropout1_(kDropoutRate, 0),
      dropout2_(kDropoutRate, 1) {
  name_all();
  add_projection_head(config.features(), kInitial);
}

void Vgg19::name_all() {
  for (const Layer& layer : layers_) {
    layer.conv.name(named_, fmt::format("features.{}", layer.index));
    layer.bn.name(named_, fmt::format("features.{}", layer.index + 1));
  }
  hidden1_.name(named_, "classifier.0");
  hidden2_.name(named_, "classifier.3");
  out_.name(named_, "classifier.6");
}

void Vgg19::check_images(std::int64_t height, std::int64_t width) {
  require(std::min(height, width) >= kMinSide,
          "VGG-19 takes images of at least {0} x {0} pixels, not {1} x {2}; choose a larger --crop",
          kMinSide, height, width);
}

Tensor Vgg19::features(const Tensor& x, const ForwardMode& mode) {
  check_images(x.size(1), x.size(2));
  Tensor h = x;
  for (Layer& layer : layers_) {
    h = layer.bn.after(layer.conv, h, mode);
    if (layer.pool) h = max_pool2d(h, 2, 2, 0);
  }
  return adaptive_avg_pool2d(h, pool_side_);
}

Tensor Vgg19::logits(const Tensor& h, const ForwardMode& mode) {
  const Tensor first = dropout1_(relu(hidden1_(h)), mode);
  return out_(dropout2_(relu(hidden2_(first)), mode));
}

}  // namespace bptplr
