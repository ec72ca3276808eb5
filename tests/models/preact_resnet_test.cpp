// PreAct-ResNet18 against PyTorch: outputs, every gradient, running statistics.
#include "models/preact_resnet.hpp"

#include <gtest/gtest.h>

#include "tests/device.hpp"
#include "tests/golden.hpp"
#include "tests/tensor_ops.hpp"

namespace bptplr {
namespace {

PreActResNet golden_network(const Golden& golden, Shortcut shortcut = Shortcut::kActivated) {
  PreActResNetConfig config;
  config.width = 8;
  config.shortcut = shortcut;
  PreActResNet network(config, 1, 0);
  network.named().move_to(test_device());
  network.named().load_state_dict(golden.with_prefix("state/"));
  return network;
}

std::vector<std::int64_t> labels_of(const Tensor& y) {
  const auto span = y.span<std::int64_t>();
  return {span.begin(), span.end()};
}

/// Compares one training pass with the results under `prefix`, then an evaluation pass.
void compare_with_pytorch(const Golden& golden, PreActResNet& network, const std::string& prefix) {
  const auto [logits, projections] = network.forward(golden["x"].to(test_device()), {true, 1});
  EXPECT_LT(relative_error(logits, golden[prefix + "logits"]), 1e-4);
  EXPECT_LT(relative_error(projections, golden[prefix + "projections"]), 1e-4);
  const Tensor loss = add(cross_entropy(logits, labels_of(golden["labels"])),
                          sum(multiply(projections, golden["r"].to(test_device()))));
  EXPECT_LT(relative_error(loss, golden[prefix + "loss"]), 1e-4);
  backward(loss);
  const TensorMap grads = network.named().gradients();
  const TensorMap expected = golden.with_prefix(prefix + "grad/");
  EXPECT_FALSE(expected.empty());
  for (const auto& [name, grad] : expected) {
    EXPECT_LT(relative_error(grads.at(name), grad), 1e-4) << name;
  }
  const NoGrad no_grad;
  const auto evaluated = network.forward(golden["x"].to(test_device()), {false, 1});
  EXPECT_LT(relative_error(evaluated.logits, golden[prefix + "eval/logits"]), 1e-4);
  EXPECT_LT(relative_error(evaluated.projection, golden[prefix + "eval/projections"]), 1e-4);
}

TEST(PreActResNet, MatchesPyTorch) {
  const Golden golden("model");
  PreActResNet network = golden_network(golden);
  compare_with_pytorch(golden, network, "");
  EXPECT_EQ(network.named().gradients().size(), golden.with_prefix("grad/").size());
  const TensorMap state = network.named().state_dict();
  const TensorMap expected = golden.with_prefix("state_after/");
  EXPECT_EQ(expected.size(), 2U * 17U);
  for (const auto& [name, buffer] : expected) {
    EXPECT_LT(relative_error(state.at(name), buffer), 1e-4) << name;
  }
}

TEST(PreActResNet, IdentityShortcutMatchesPyTorch) {
  const Golden golden("model");
  PreActResNet network = golden_network(golden, Shortcut::kIdentity);
  compare_with_pytorch(golden, network, "raw/");
}

TEST(PreActResNet, GroupedBatchesEqualSeparateOnes) {
  PreActResNetConfig config;
  config.width = 8;
  config.blocks = {1, 1, 1, 1};
  PreActResNet together(config, 7, 0);
  PreActResNet apart(config, 7, 0);
  together.named().move_to(test_device());
  apart.named().move_to(test_device());
  const Golden golden("model");
  const Tensor x = golden["x"].to(test_device());
  const NoGrad no_grad;
  const Tensor grouped = together.classify(x, {true, 3});
  for (std::int64_t g = 0; g < 3; ++g) {
    const Tensor part = apart.classify(x.rows(2 * g, 2 * g + 2), {true, 1});
    EXPECT_LT(relative_error(grouped.rows(2 * g, 2 * g + 2), part), 1e-5);
  }
  const TensorMap a = together.named().state_dict();
  for (const auto& [name, tensor] : apart.named().state_dict()) {
    if (tensor.dtype() == DType::kInt64) {
      EXPECT_EQ(a.at(name).item(), 3.0);
    } else {
      EXPECT_LT(relative_error(a.at(name), tensor), 1e-5) << name;
    }
  }
}

TEST(PreActResNet, NamesAndInitialisationFollowPyTorch) {
  PreActResNet network({}, 1, 0);
  const TensorMap state = network.named().state_dict();
  EXPECT_EQ(state.at("layer2.0.shortcut.0.weight").shape(), (Shape{128, 64, 1, 1}));
  EXPECT_EQ(state.count("layer1.0.shortcut.0.weight"), 0U);
  EXPECT_EQ(state.at("projector.2.weight").shape(), (Shape{128, 512}));
  EXPECT_EQ(state.at("prototypes").shape(), (Shape{10, 128}));
  const float bound = 1.0F / std::sqrt(64.0F * 9.0F);
  double sum = 0.0;
  double squares = 0.0;
  const auto weights = state.at("layer1.0.conv1.weight").span<float>();
  for (const float w : weights) {
    EXPECT_LE(std::abs(w), bound);
    sum += w;
    squares += w * w;
  }
  const auto n = static_cast<double>(weights.size());
  EXPECT_NEAR(sum / n, 0.0, 1e-3);
  EXPECT_NEAR(squares / n, bound * bound / 3.0, 1e-5);
  std::int64_t parameters = 0;
  for (const Tensor& p : network.named().parameters()) parameters += p.numel();
  // The usual PreAct-ResNet18, the BatchNorm after the stem, the projector.
  EXPECT_EQ(parameters, 11171146 + 2 * 64 + (512 * 512 + 512) + (512 * 128 + 128));
}

TEST(PreActResNet, RefusesImagesThatItsStagesCannotHalve) {
  PreActResNetConfig config;
  config.width = 4;
  PreActResNet network(config, 1, 0);
  for (const Shape& shape : {Shape{1, 20, 20, 3}, Shape{1, 16, 24, 3}}) {
    EXPECT_THROW(network.classify(Tensor::zeros(shape), {}), Error);
  }
}

TEST(PreActResNet, RefusesTheStateOfAnotherNetwork) {
  PreActResNetConfig config;
  config.width = 4;
  PreActResNet network(config, 1, 0);
  TensorMap state = network.named().state_dict();
  state.erase("bn1.bias");
  EXPECT_THROW(network.named().load_state_dict(state), Error);
  config.width = 2;
  EXPECT_THROW(network.named().load_state_dict(PreActResNet(config, 1, 0).named().state_dict()),
               Error);
  state = network.named().state_dict();
  state.emplace("stranger", Tensor::zeros({1}));
  EXPECT_THROW(network.named().load_state_dict(state), Error);
}

}  // namespace
}  // namespace bptplr
