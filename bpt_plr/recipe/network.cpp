#include "bpt_plr/recipe/network.hpp"

#include <fmt/ranges.h>

#include "bpt_plr/recipe/text.hpp"
#include "engine/device.hpp"
#include "engine/error.hpp"
#include "models/network_table.hpp"

namespace bptplr {
namespace {

StageBlocks parse_blocks(const std::string& text) {
  const auto numbers = parse_integers(text, "blocks");
  require(numbers.size() == 4, "blocks is '{}', but must be four numbers, e.g. 2,2,2,2", text);
  StageBlocks blocks{};
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    require(numbers[i] >= 1 && numbers[i] <= 1000,
            "blocks is '{}', but each of its numbers must lie in [1, 1000]", text);
    blocks[i] = static_cast<int>(numbers[i]);
  }
  return blocks;
}

}  // namespace

std::string usual_blocks(Arch arch) {
  const auto& blocks = network_kind(arch).usual_blocks;
  return blocks ? fmt::format("{}", fmt::join(*blocks, ",")) : "";
}

NetworkConfig network_config(const Recipe& recipe) {
  NetworkConfig config{.arch = recipe.arch,
                       .heads = {recipe.num_class, recipe.low_dim, recipe.projector},
                       .width = recipe.width,
                       .shortcut = recipe.shortcut,
                       .pool_side = recipe.pool_side,
                       .inputs = recipe.feature_dim,
                       .depth = recipe.depth,
                       .dropout = recipe.dropout};
  if (network_kind(recipe.arch).usual_blocks) config.blocks = parse_blocks(recipe.blocks);
  return config;
}

std::unique_ptr<Network> make_network(const Recipe& recipe, int index) {
  auto network = make_network(network_config(recipe), static_cast<std::uint64_t>(recipe.seed),
                              static_cast<std::uint32_t>(index));
  network->named().move_to(choose_device(recipe.device));
  return network;
}

void check_images(const Recipe& recipe, std::int64_t height, std::int64_t width) {
  const auto check = network_kind(recipe.arch).check_images;
  if (check != nullptr) check(height, width);
}

}  // namespace bptplr
