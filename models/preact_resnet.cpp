#include "models/preact_resnet.hpp"

#include <utility>

#include "engine/error.hpp"

namespace bptplr {
namespace {

const PreActResNetConfig& checked(const PreActResNetConfig& config) {
  require(config.width >= 1 && config.width <= 1024, "--width {} is not in 1..1024", config.width);
  for (const int blocks : config.blocks) {
    require(blocks >= 1 && blocks <= 64, "--blocks needs four numbers in 1..64");
  }
  return config;
}

std::vector<std::vector<PreActBlock>> make_layers(Initializer& init,
                                                  const PreActResNetConfig& config) {
  std::vector<std::vector<PreActBlock>> layers(config.blocks.size());
  std::int64_t in = config.width;
  for (std::size_t stage = 0; stage < layers.size(); ++stage) {
    const std::int64_t out = config.width << stage;
    for (int block = 0; block < config.blocks[stage]; ++block) {
      layers[stage].emplace_back(init, in, out, stage > 0 && block == 0 ? 2 : 1, config.shortcut);
      in = out;
    }
  }
  return layers;
}

}  // namespace

PreActBlock::PreActBlock(Initializer& init, std::int64_t in, std::int64_t out, std::int64_t stride,
                         Shortcut shortcut)
    : bn1_(in, Activation::kRelu),
      conv1_(init, in, out, 3, {.stride = stride, .padding = 1}),
      bn2_(out, Activation::kRelu),
      conv2_(init, out, out, 3, {.padding = 1}),
      activated_shortcut_(shortcut == Shortcut::kActivated) {
  if (stride != 1 || in != out) {
    shortcut_.emplace(init, in, out, 1, Conv2dOptions{.stride = stride});
  }
}

PreActBlock::Pending PreActBlock::operator()(Pending x, const ForwardMode& mode) {
  const bool wants_sum = !shortcut_ && !activated_shortcut_;
  const auto [sum, activated] = x.conv != nullptr
                                    ? bn1_.after_sum(*x.conv, x.inside, x.shortcut, mode, wants_sum)
                                    : AddBatchNorm{x.inside, bn1_(x.inside, mode)};
  x = {};  // releases its memory for this block
  const Tensor identity = activated_shortcut_ ? activated : sum;
  const Tensor shortcut = shortcut_ ? (*shortcut_)(activated) : identity;
  return {bn2_.after(conv1_, activated, mode), &conv2_, shortcut};
}

void PreActBlock::name(NamedTensors& names, const std::string& prefix) const {
  bn1_.name(names, prefix + ".bn1");
  conv1_.name(names, prefix + ".conv1");
  bn2_.name(names, prefix + ".bn2");
  conv2_.name(names, prefix + ".conv2");
  if (shortcut_) shortcut_->name(names, prefix + ".shortcut.0");
}

PreActResNet::PreActResNet(const PreActResNetConfig& config, std::uint64_t seed,
                           std::uint32_t network)
    : Network(config.heads, seed, network),
      conv1_(init_, 3, checked(config).width, 3, {.padding = 1}),
      bn1_(config.width, Activation::kRelu),
      layers_(make_layers(init_, config)),
      linear_(init_, 8 * config.width, config.heads.num_classes) {
  name_all();
  add_projection_head(8 * config.width);
}

void PreActResNet::name_all() {
  conv1_.name(named_, "conv1");
  bn1_.name(named_, "bn1");
  for (std::size_t stage = 0; stage < layers_.size(); ++stage) {
    for (std::size_t block = 0; block < layers_[stage].size(); ++block) {
      layers_[stage][block].name(named_, fmt::format("layer{}.{}", stage + 1, block));
    }
  }
  linear_.name(named_, "linear");
}

void PreActResNet::check_images(std::int64_t height, std::int64_t width) {
  require(height == width && height % 8 == 0,
          "PreAct-ResNet takes square images whose side is a multiple of 8, not {} x {} pixels; "
          "choose such a --crop",
          height, width);
}

Tensor PreActResNet::features(const Tensor& x, const ForwardMode& mode) {
  check_images(x.size(1), x.size(2));
  PreActBlock::Pending h{bn1_.after(conv1_, x, mode), nullptr, {}};
  for (auto& layer : layers_) {
    for (PreActBlock& block : layer) h = block(std::move(h), mode);
  }
  return global_avg_pool2d(add_((*h.conv)(h.inside), h.shortcut));
}

Tensor PreActResNet::logits(const Tensor& h, const ForwardMode& /*mode*/) {
  return linear_(h);
}

}  // namespace bptplr
