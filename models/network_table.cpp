#include "models/network_table.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "models/cnn9.hpp"
#include "models/mlp.hpp"
#include "models/preact_resnet.hpp"
#include "models/resnet.hpp"
#include "models/vgg.hpp"

namespace bptplr {
namespace {

/// Hidden units of VGG's classifier for each channel of its first convolution: 4096 for 64.
constexpr std::int64_t kVggHiddenPerWidth = 64;

std::unique_ptr<Network> make_preact_resnet(const NetworkConfig& config, std::uint64_t seed,
                                            std::uint32_t index) {
  return std::make_unique<PreActResNet>(
      PreActResNetConfig{config.heads, config.width, config.blocks, config.shortcut}, seed, index);
}

std::unique_ptr<Network> make_resnet(const NetworkConfig& config, std::uint64_t seed,
                                     std::uint32_t index) {
  return std::make_unique<ResNet>(ResNetConfig{config.heads, config.width, config.blocks}, seed,
                                  index);
}

std::unique_ptr<Network> make_vgg19(const NetworkConfig& config, std::uint64_t seed,
                                    std::uint32_t index) {
  return std::make_unique<Vgg19>(
      Vgg19Config{config.heads, config.width, kVggHiddenPerWidth * config.width, config.pool_side},
      seed, index);
}

std::unique_ptr<Network> make_cnn9(const NetworkConfig& config, std::uint64_t seed,
                                   std::uint32_t index) {
  return std::make_unique<Cnn9>(Cnn9Config{config.heads, config.width}, seed, index);
}

std::unique_ptr<Network> make_mlp(const NetworkConfig& config, std::uint64_t seed,
                                  std::uint32_t index) {
  return std::make_unique<Mlp>(
      MlpConfig{config.heads, config.inputs, config.width, config.depth, config.dropout}, seed,
      index);
}

std::unique_ptr<Network> make_linear(const NetworkConfig& config, std::uint64_t seed,
                                     std::uint32_t index) {
  return std::make_unique<Mlp>(
      MlpConfig{.heads = config.heads, .inputs = config.inputs, .depth = 0}, seed, index);
}

constexpr std::int64_t kMaxChannels = 1024;
constexpr auto kNoBlocks = std::nullopt;

constexpr std::array kTable{
    NetworkKind{Arch::kPreActResNet, StageBlocks{2, 2, 2, 2}, true, false,
                PreActResNet::check_images, false, kMaxChannels, make_preact_resnet},
    NetworkKind{Arch::kResNet50, StageBlocks{3, 4, 6, 3}, false, false, nullptr, false,
                kMaxChannels, make_resnet},
    NetworkKind{Arch::kVgg19Bn, kNoBlocks, false, true, Vgg19::check_images, false, kMaxChannels,
                make_vgg19},
    NetworkKind{Arch::kCnn9, kNoBlocks, false, false, Cnn9::check_images, false, kMaxChannels,
                make_cnn9},
    NetworkKind{Arch::kMlp, kNoBlocks, false, false, nullptr, true, kMaxMlpWidth, make_mlp},
    NetworkKind{Arch::kLinear, kNoBlocks, false, false, nullptr, true, kMaxMlpWidth, make_linear}};

}  // namespace

const NetworkKind& network_kind(Arch arch) {
  const auto* row = std::ranges::find(kTable, arch, &NetworkKind::arch);
  if (row == kTable.end()) throw std::logic_error("network_table.cpp lacks a row");
  return *row;
}

std::unique_ptr<Network> make_network(const NetworkConfig& config, std::uint64_t seed,
                                      std::uint32_t index) {
  return network_kind(config.arch).make(config, seed, index);
}

}  // namespace bptplr
