#include "models/resnet.hpp"

#include "engine/error.hpp"

namespace bptplr {
namespace {

/// Ratio of a block's output channels to its inner ones.
constexpr std::int64_t kExpansion = 4;

Conv2dOptions convolution(std::int64_t stride, std::int64_t padding) {
  return {.stride = stride, .padding = padding, .initial = InitialValues::kTorchvision};
}

const ResNetConfig& checked(const ResNetConfig& config) {
  require(config.width >= 1 && config.width <= 1024, "--width {} is not in 1..1024", config.width);
  for (const int blocks : config.blocks) {
    require(blocks >= 1 && blocks <= 64, "--blocks needs four numbers in 1..64");
  }
  return config;
}

std::vector<std::vector<Bottleneck>> make_layers(Initializer& init, const ResNetConfig& config) {
  std::vector<std::vector<Bottleneck>> layers(config.blocks.size());
  std::int64_t in = config.width;
  for (std::size_t stage = 0; stage < layers.size(); ++stage) {
    const std::int64_t width = config.width << stage;
    for (int block = 0; block < config.blocks[stage]; ++block) {
      layers[stage].emplace_back(init, in, width, stage > 0 && block == 0 ? 2 : 1);
      in = kExpansion * width;
    }
  }
  return layers;
}

}  // namespace

Bottleneck::Bottleneck(Initializer& init, std::int64_t in, std::int64_t width, std::int64_t stride)
    : conv1_(init, in, width, 1, convolution(1, 0)),
      bn1_(width, Activation::kRelu),
      conv2_(init, width, width, 3, convolution(stride, 1)),
      bn2_(width, Activation::kRelu),
      conv3_(init, width, kExpansion * width, 1, convolution(1, 0)),
      bn3_(kExpansion * width, Activation::kNone) {
  const std::int64_t out = kExpansion * width;
  if (stride != 1 || in != out) {
    downsample_ = Downsample{Conv2d(init, in, out, 1, convolution(stride, 0)),
                             BatchNorm(out, Activation::kNone)};
  }
}

Tensor Bottleneck::operator()(const Tensor& x, const ForwardMode& mode) {
  const Tensor identity = downsample_ ? downsample_->bn.after(downsample_->conv, x, mode) : x;
  const Tensor inside = bn2_.after(conv2_, bn1_.after(conv1_, x, mode), mode);
  return relu(add_(bn3_.after(conv3_, inside, mode), identity));
}

void Bottleneck::name(NamedTensors& names, const std::string& prefix) const {
  conv1_.name(names, prefix + ".conv1");
  bn1_.name(names, prefix + ".bn1");
  conv2_.name(names, prefix + ".conv2");
  bn2_.name(names, prefix + ".bn2");
  conv3_.name(names, prefix + ".conv3");
  bn3_.name(names, prefix + ".bn3");
  if (!downsample_) return;
  downsample_->conv.name(names, prefix + ".downsample.0");
  downsample_->bn.name(names, prefix + ".downsample.1");
}

ResNet::ResNet(const ResNetConfig& config, std::uint64_t seed, std::uint32_t network)
    : Network(config.heads, seed, network),
      conv1_(init_, 3, checked(config).width, 7, convolution(2, 3)),
      bn1_(config.width, Activation::kRelu),
      layers_(make_layers(init_, config)),
      fc_(init_, 8 * kExpansion * config.width, config.heads.num_classes) {
  name_all();
  add_projection_head(8 * kExpansion * config.width);
}

void ResNet::name_all() {
  conv1_.name(named_, "conv1");
  bn1_.name(named_, "bn1");
  for (std::size_t stage = 0; stage < layers_.size(); ++stage) {
    for (std::size_t block = 0; block < layers_[stage].size(); ++block) {
      layers_[stage][block].name(named_, fmt::format("layer{}.{}", stage + 1, block));
    }
  }
  fc_.name(named_, "fc");
}

Tensor ResNet::features(const Tensor& x, const ForwardMode& mode) {
  Tensor h = max_pool2d(bn1_.after(conv1_, x, mode), 3, 2, 1);
  for (auto& layer : layers_) {
    for (Bottleneck& block : layer) h = block(h, mode);
  }
  return global_avg_pool2d(h);
}

Tensor ResNet::logits(const Tensor& h, const ForwardMode& /*mode*/) {
  return fc_(h);
}

}  // namespace bptplr
