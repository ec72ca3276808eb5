#include "bpt_plr/results/export/networks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>

namespace bptplr {
namespace {

/// Calls fn(name, stride) for the residual blocks of all stages, in order.
template <class Fn>
void for_each_block(const StageBlocks& blocks, Fn&& fn) {
  for (std::size_t stage = 0; stage < blocks.size(); ++stage) {
    for (int block = 0; block < blocks[stage]; ++block) {
      fn(fmt::format("layer{}.{}", stage + 1, block), stage > 0 && block == 0 ? 2 : 1);
    }
  }
}

Value preact_resnet(LayerBuilder& layers, const NetworkConfig& config, const Value& x,
                    std::int64_t /*side*/) {
  Value h = layers.relu(layers.conv_norm(x, "conv1", "bn1", {.padding = 1}));
  for_each_block(config.blocks, [&](const std::string& name, std::int64_t stride) {
    const Value activated = layers.relu(layers.norm(h, name + ".bn1"));
    const Value inside = layers.relu(layers.conv_norm(activated, name + ".conv1", name + ".bn2",
                                                      {.stride = stride, .padding = 1}));
    Value shortcut = config.shortcut == Shortcut::kActivated ? activated : h;
    if (layers.has(name + ".shortcut.0.weight")) {
      shortcut = layers.conv(activated, name + ".shortcut.0", {.stride = stride});
    }
    h = layers.add(layers.conv(inside, name + ".conv2", {.padding = 1}), shortcut);
  });
  return layers.linear(layers.mean_of_pixels(h), "linear");
}

Value resnet50(LayerBuilder& layers, const NetworkConfig& config, const Value& x,
               std::int64_t /*side*/) {
  Value h = layers.relu(layers.conv_norm(x, "conv1", "bn1", {.stride = 2, .padding = 3}));
  h = layers.max_pool(h, 3, {.stride = 2, .padding = 1});
  for_each_block(config.blocks, [&](const std::string& name, std::int64_t stride) {
    Value shortcut = h;
    if (layers.has(name + ".downsample.0.weight")) {
      shortcut =
          layers.conv_norm(h, name + ".downsample.0", name + ".downsample.1", {.stride = stride});
    }
    Value inside = layers.relu(layers.conv_norm(h, name + ".conv1", name + ".bn1", {}));
    inside = layers.relu(
        layers.conv_norm(inside, name + ".conv2", name + ".bn2", {.stride = stride, .padding = 1}));
    inside = layers.conv_norm(inside, name + ".conv3", name + ".bn3", {});
    h = layers.relu(layers.add(inside, shortcut));
  });
  return layers.linear(layers.mean_of_pixels(h), "fc");
}

Value vgg19_bn(LayerBuilder& layers, const NetworkConfig& config, const Value& x,
               std::int64_t side) {
  Value h = x;
  int index = 0;
  for (const int convolutions : {2, 2, 4, 4, 4}) {
    for (int i = 0; i < convolutions; ++i, index += 3) {
      h = layers.relu(layers.conv_norm(h, fmt::format("features.{}", index),
                                       fmt::format("features.{}", index + 1), {.padding = 1}));
    }
    h = layers.max_pool(h, 2, {.stride = 2});
    side /= 2;
    ++index;
  }
  h = layers.adaptive_pool(h, side, config.pool_side);
  h = layers.relu(layers.linear(h, "classifier.0"));
  h = layers.relu(layers.linear(h, "classifier.3"));
  return layers.linear(h, "classifier.6");
}

Value cnn9(LayerBuilder& layers, const NetworkConfig& /*config*/, const Value& x,
           std::int64_t /*side*/) {
  constexpr float kSlope = 0.01F;
  Value h = x;
  for (int i = 1; i <= 9; ++i) {
    const std::int64_t padding = i <= 6 ? 1 : 0;
    h = layers.conv_norm(h, fmt::format("c{}", i), fmt::format("bn{}", i), {.padding = padding});
    h = layers.leaky_relu(h, kSlope);
    if (i == 3 || i == 6) h = layers.max_pool(h, 2, {.stride = 2});
  }
  return layers.linear(layers.mean_of_pixels(h), "l_c1");
}

Value mlp(LayerBuilder& layers, const NetworkConfig& config, const Value& x,
          std::int64_t /*side*/) {
  Value h = x;
  for (std::int64_t l = 0; l < config.depth; ++l) {
    h = layers.relu(
        layers.linear_norm(h, fmt::format("layers.{}.linear", l), fmt::format("layers.{}.bn", l)));
  }
  return layers.linear(h, "linear");
}

Value linear(LayerBuilder& layers, const NetworkConfig& /*config*/, const Value& x,
             std::int64_t /*side*/) {
  return layers.linear(x, "linear");
}

struct ExportedKind {
  Arch arch;
  Value (*logits)(LayerBuilder& layers, const NetworkConfig& config, const Value& x,
                  std::int64_t side);
};

constexpr std::array kKinds{ExportedKind{Arch::kPreActResNet, preact_resnet},
                            ExportedKind{Arch::kResNet50, resnet50},
                            ExportedKind{Arch::kVgg19Bn, vgg19_bn},
                            ExportedKind{Arch::kCnn9, cnn9},
                            ExportedKind{Arch::kMlp, mlp},
                            ExportedKind{Arch::kLinear, linear}};

}  // namespace

Value logits_of(LayerBuilder& layers, const NetworkConfig& config, const Value& x,
                std::int64_t side) {
  const auto* kind = std::ranges::find(kKinds, config.arch, &ExportedKind::arch);
  if (kind == kKinds.end()) throw std::logic_error("networks.cpp lacks a network");
  return kind->logits(layers, config, x, side);
}

}  // namespace bptplr
