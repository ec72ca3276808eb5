#include "bpt_plr/train/pretrained.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "bpt_plr/recipe/network.hpp"
#include "bpt_plr/recipe/resolve.hpp"
#include "engine/io/torch/pth.hpp"
#include "tests/golden.hpp"
#include "tests/temporary_folder.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

/// A ResNet of width 2 and one block a stage with seven classes, as PyTorch saved it.
const fs::path kBackbone = fs::path(BPTPLR_GOLDEN_DIR) / "pth/backbone.pth";

Recipe recipe_for(Arch arch, std::int64_t width) {
  Recipe recipe;
  recipe.dataset = DatasetKind::kShapes;
  recipe.arch = arch;
  recipe.width = width;
  if (arch == Arch::kResNet50) recipe.blocks = "1,1,1,1";
  resolve(recipe);
  return recipe;
}

TEST(Pretrained, BothNetworksTakeTheBackboneAndKeepTheirHeads) {
  const Recipe recipe = recipe_for(Arch::kResNet50, 2);
  const auto first = make_network(recipe, 0);
  const auto second = make_network(recipe, 1);
  const TensorMap before = second->named().state_dict();
  const NamedTensors::Match match = load_pretrained(kBackbone, {first.get(), second.get()});
  const TensorMap file = load_pth(kBackbone);
  const auto counters = std::count_if(file.begin(), file.end(), [](const auto& named) {
    return named.second.dtype() == DType::kInt64;
  });
  const auto tensors = file.size() - static_cast<std::size_t>(counters);
  EXPECT_EQ(match.taken, tensors - 2);
  EXPECT_EQ(match.tensors, tensors + 5);  // the projector and the prototypes
  EXPECT_EQ(match.other_shape, (std::vector<std::string>{"fc.weight", "fc.bias"}));
  for (const Network* network : {first.get(), second.get()}) {
    const TensorMap state = network->named().state_dict();
    for (const auto& [name, tensor] : file) {
      if (name.starts_with("fc.") || tensor.dtype() == DType::kInt64) continue;
      EXPECT_EQ(relative_error(state.at(name), tensor), 0.0) << name;
    }
  }
  const TensorMap after = second->named().state_dict();
  for (const char* name : {"fc.weight", "projector.0.weight", "prototypes"}) {
    EXPECT_EQ(relative_error(after.at(name), before.at(name)), 0.0) << name;
  }
}

TEST(Pretrained, SafetensorsGiveTheSame) {
  const TemporaryFolder folder;
  const fs::path copy = folder / "copy.safetensors";
  save_safetensors(copy, load_pth(kBackbone));
  const Recipe recipe = recipe_for(Arch::kResNet50, 2);
  const auto from_pth = make_network(recipe, 0);
  const auto from_copy = make_network(recipe, 0);
  load_pretrained(kBackbone, {from_pth.get()});
  load_pretrained(copy, {from_copy.get()});
  const TensorMap other = from_copy->named().state_dict();
  for (const auto& [name, tensor] : from_pth->named().state_dict()) {
    if (tensor.dtype() == DType::kInt64) continue;
    EXPECT_EQ(relative_error(other.at(name), tensor), 0.0) << name;
  }
}

TEST(Pretrained, NothingThatMatchesIsAnError) {
  const auto network = make_network(recipe_for(Arch::kCnn9, 3), 0);
  try {
    load_pretrained(kBackbone, {network.get()});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("backbone.pth: none of its"), std::string::npos);
  }
}

}  // namespace
}  // namespace bptplr
