#include "bpt_plr/recipe/network.hpp"

#include "models/cnn9.hpp"
#include "models/preact_resnet.hpp"
#include "models/resnet.hpp"
#include "models/vgg.hpp"

namespace bptplr {
namespace {

/// Hidden units of VGG's classifier for each channel of its first convolution: 4096 for 64.
constexpr std::int64_t kVggHiddenPerWidth = 64;

std::unique_ptr<Network> on_cpu(const Recipe& recipe, std::uint64_t seed, std::uint32_t index) {
  const HeadConfig heads{recipe.num_class, recipe.low_dim,
                         recipe.projector == "mlp" ? Projector::kMlp : Projector::kLinearBatchNorm};
  const std::int64_t width = recipe.width;
  if (recipe.arch == "resnet50") {
    return std::make_unique<ResNet>(ResNetConfig{heads, width, stage_blocks(recipe)}, seed, index);
  }
  if (recipe.arch == "vgg19_bn") {
    return std::make_unique<Vgg19>(Vgg19Config{heads, width, kVggHiddenPerWidth * width}, seed,
                                   index);
  }
  if (recipe.arch == "cnn9") {
    return std::make_unique<Cnn9>(Cnn9Config{heads, width}, seed, index);
  }
  const bool activated_shortcut = recipe.shortcut == "activated";
  return std::make_unique<PreActResNet>(
      PreActResNetConfig{heads, width, stage_blocks(recipe), activated_shortcut}, seed, index);
}

}  // namespace

std::unique_ptr<Network> make_network(const Recipe& recipe, int index) {
  auto network =
      on_cpu(recipe, static_cast<std::uint64_t>(recipe.seed), static_cast<std::uint32_t>(index));
  network->named().move_to(parse_device(recipe.device));
  return network;
}

void check_images(const Recipe& recipe, std::int64_t side) {
  if (recipe.arch == "preact_resnet") PreActResNet::check_images(side, side);
  if (recipe.arch == "vgg19_bn") Vgg19::check_images(side, side);
  if (recipe.arch == "cnn9") Cnn9::check_images(side, side);
}

}  // namespace bptplr
