#include "bpt_plr/train/pretrained.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "bpt_plr/recipe/network.hpp"
#include "bpt_plr/recipe/resolve.hpp"
#include "engine/io/torch/pth.hpp"
#include "models/network_table.hpp"
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
  const PretrainedReport report = load_pretrained(kBackbone, {first.get(), second.get()});
  const NamedTensors::Match& match = report.match;
  const TensorMap file = load_pth(kBackbone);
  const auto counters = std::count_if(file.begin(), file.end(), [](const auto& named) {
    return named.second.dtype() == DType::kInt64;
  });
  const auto tensors = file.size() - static_cast<std::size_t>(counters);
  EXPECT_EQ(match.taken, tensors - 2);
  EXPECT_EQ(match.tensors, tensors + 5);  // the projector and the prototypes
  EXPECT_EQ(match.other_shape, (std::vector<std::string>{"fc.weight", "fc.bias"}));
  EXPECT_EQ(report.prefix, "");
  EXPECT_EQ(report.unused, (std::vector<std::string>{"fc.bias", "fc.weight"}));
  EXPECT_EQ(report.missing.size(), 5U);
  EXPECT_FALSE(report.is_poor());
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

/// A file with the tensors of torchvision's vgg19_bn: those of ours but for the projection head.
TEST(Pretrained, VggTakesAllButTheLastLayer) {
  const TemporaryFolder folder;
  const Recipe recipe = recipe_for(Arch::kVgg19Bn, 1);
  NetworkConfig other = network_config(recipe);
  other.heads.num_classes = 20;
  TensorMap file;
  for (const auto& [name, tensor] : make_network(other, 5, 0)->named().state_dict()) {
    if (name.starts_with("features.") || name.starts_with("classifier."))
      file.emplace(name, tensor);
  }
  save_safetensors(folder / "vgg.safetensors", file);
  const auto network = make_network(recipe, 0);
  const PretrainedReport report = load_pretrained(folder / "vgg.safetensors", {network.get()});
  EXPECT_EQ(report.match.other_shape,
            (std::vector<std::string>{"classifier.6.weight", "classifier.6.bias"}));
  EXPECT_FALSE(report.is_poor());
  const TensorMap state = network->named().state_dict();
  EXPECT_EQ(state.at("classifier.0.weight").size(1), 8 * 49);
  EXPECT_EQ(relative_error(state.at("classifier.0.weight"), file.at("classifier.0.weight")), 0.0);
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

/// Returns what a network takes of the backbone with `rename` applied to its names.
template <class Rename>
PretrainedReport load_renamed(const Rename& rename, const TensorMap& beside = {}) {
  const TemporaryFolder folder;
  TensorMap state = beside;
  for (const auto& [name, tensor] : load_pth(kBackbone)) state.emplace(rename(name), tensor);
  save_safetensors(folder / "renamed.safetensors", state);
  const auto network = make_network(recipe_for(Arch::kResNet50, 2), 0);
  return load_pretrained(folder / "renamed.safetensors", {network.get()});
}

TEST(Pretrained, PrefixesOfWrappersAreDropped) {
  for (const std::string prefix :
       {"module.", "_orig_mod.", "model.", "backbone.", "encoder_q.", "module._orig_mod.model.",
        "module.encoder_q.", "some.other.thing."}) {
    const PretrainedReport report = load_renamed([&](const auto& name) { return prefix + name; });
    EXPECT_EQ(report.prefix, prefix);
    EXPECT_EQ(report.match.taken, 85U) << prefix;
    EXPECT_FALSE(report.is_poor());
  }
}

TEST(Pretrained, TheEncoderThatIsTrainedIsTakenOfTwo) {
  TensorMap beside;
  for (const auto& [name, tensor] : load_pth(kBackbone)) {
    beside.emplace("module.encoder_k." + name, tensor);
  }
  const PretrainedReport report =
      load_renamed([](const auto& name) { return "module.encoder_q." + name; }, beside);
  EXPECT_EQ(report.prefix, "module.encoder_q.");
  EXPECT_EQ(report.match.taken, 85U);
  EXPECT_EQ(report.unused.front(), "module.encoder_k.bn1.bias");
}

TEST(Pretrained, NamesThatAreTheNetworksOwnStay) {
  TensorMap beside{{"criterion.weight", Tensor::zeros({3})}};
  EXPECT_EQ(load_renamed([](const auto& name) { return name; }, beside).prefix, "");
  const PretrainedReport part = load_renamed(
      [](const auto& name) { return name.starts_with("layer1.") ? name : "other." + name; });
  EXPECT_EQ(part.prefix, "");
  EXPECT_TRUE(part.is_poor());
}

TEST(Pretrained, DoublePrecisionIsTaken) {
  const TemporaryFolder folder;
  save_safetensors(folder / "double.safetensors",
                   {{"bn1.weight", Tensor::from(std::vector<double>{0.5, 0.25}, {2})}});
  const auto network = make_network(recipe_for(Arch::kResNet50, 2), 0);
  EXPECT_EQ(load_pretrained(folder / "double.safetensors", {network.get()}).match.taken, 1U);
  EXPECT_EQ(network->named().state_dict().at("bn1.weight").data<float>()[1], 0.25F);
}

TEST(Pretrained, ListsTheFirstNames) {
  EXPECT_EQ(first_names({}), "none");
  EXPECT_EQ(first_names({"a", "b"}), "a, b");
  EXPECT_EQ(first_names({"a", "b", "c", "d", "e"}), "a, b, c and 2 more");
}

TEST(Pretrained, NothingThatMatchesIsAnError) {
  const auto network = make_network(recipe_for(Arch::kCnn9, 3), 0);
  try {
    load_pretrained(kBackbone, {network.get()});
    FAIL() << "no error";
  } catch (const Error& error) {
    const std::string what = error.what();
    EXPECT_NE(what.find("backbone.pth: none of its"), std::string::npos) << what;
    EXPECT_NE(what.find("its are bn1.bias, bn1.running_mean, bn1.running_var and"),
              std::string::npos)
        << what;
    EXPECT_NE(what.find("those of the network "), std::string::npos) << what;
  }
}

}  // namespace
}  // namespace bptplr
