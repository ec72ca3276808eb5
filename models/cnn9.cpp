#include "models/cnn9.hpp"

#include <algorithm>

#include "engine/error.hpp"

namespace bptplr {
namespace {

constexpr double kCnn9DropoutRate = 0.25;
constexpr double kNegativeSlope = 0.01;

/// Channels of the layers as multiples of the width. The first six layers pad their input, the last
/// three do not; max pooling over 2x2 follows layers 3 and 6.
constexpr std::int64_t kWidths[] = {2, 2, 2, 4, 4, 4, 8, 4, 2};
constexpr std::size_t kPadded = 6;
constexpr std::size_t kStage = 3;
constexpr std::int64_t kCnn9MinSide = 28;

const Cnn9Config& checked(const Cnn9Config& config) {
  require(config.width >= 1 && config.width <= 1024, "--width {} is not in 1..1024", config.width);
  return config;
}

}  // namespace

std::vector<Cnn9::Layer> Cnn9::make_layers(Initializer& init, std::int64_t width) {
  std::vector<Layer> layers;
  std::int64_t in = 3;
  for (const std::int64_t widths : kWidths) {
    const std::int64_t padding = layers.size() < kPadded ? 1 : 0;
    const std::int64_t out = widths * width;
    layers.push_back({Conv2d(init, in, out, 3, {.padding = padding, .bias = true}),
                      BatchNorm(out, Activation::kNone)});
    in = out;
  }
  return layers;
}

Cnn9::Cnn9(const Cnn9Config& config, std::uint64_t seed, std::uint32_t network)
    : Network(config.heads, seed, network),
      layers_(make_layers(init_, checked(config).width)),
      out_(init_, 2 * config.width, config.heads.num_classes),
      dropouts_{{kCnn9DropoutRate, 0}, {kCnn9DropoutRate, 1}} {
  name_all();
  add_projection_head(2 * config.width);
}

void Cnn9::name_all() {
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    layers_[i].conv.name(named_, fmt::format("c{}", i + 1));
    layers_[i].bn.name(named_, fmt::format("bn{}", i + 1));
  }
  out_.name(named_, "l_c1");
}

void Cnn9::check_images(std::int64_t height, std::int64_t width) {
  require(
      std::min(height, width) >= kCnn9MinSide,
      "the 9-layer CNN takes images of at least {0} x {0} pixels, not {1} x {2}; choose a larger "
      "--crop",
      kCnn9MinSide, height, width);
}

Tensor Cnn9::features(const Tensor& x, const ForwardMode& mode) {
  check_images(x.size(1), x.size(2));
  Tensor h = x;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    h = leaky_relu(layers_[i].bn.after(layers_[i].conv, h, mode), kNegativeSlope);
    const std::size_t done = i + 1;
    if (done % kStage == 0 && done <= kPadded) {
      h = dropouts_[done / kStage - 1](max_pool2d(h, 2, 2, 0), mode);
    }
  }
  return global_avg_pool2d(h);
}

Tensor Cnn9::logits(const Tensor& h, const ForwardMode& /*mode*/) {
  return out_(h);
}

}  // namespace bptplr
