// Whole networks on the device: bfloat16 against float32, and a short run of the trainer against
// the same run on the CPU.
#include <gtest/gtest.h>

#include "bpt_plr/recipe/builtin.hpp"
#include "bpt_plr/recipe/resolve.hpp"
#include "bpt_plr/train/trainer.hpp"
#include "bpt_plr/train/view_maker.hpp"
#include "engine/optimizer.hpp"
#include "models/preact_resnet.hpp"
#include "tests/cuda/support.hpp"
#include "tests/device.hpp"
#include "tests/tensor_ops.hpp"

namespace bptplr {
namespace {

struct Pass {
  PreActResNet::Output output;
  TensorMap gradients;
  TensorMap state;
};

Pass run_once(DType dtype) {
  PreActResNetConfig config;
  config.width = 8;
  config.blocks = {1, 1, 1, 1};
  PreActResNet network(config, 1, 0);
  network.named().move_to(test_device());
  Tensor x = random_normal({8, 32, 32, 3}, 1).to(test_device());
  if (dtype == DType::kBfloat16) x = x.to(dtype);
  const auto output = network.forward(x, {true, 1});
  backward(add(cross_entropy(output.logits, std::vector<std::int64_t>{1, 2, 3, 4, 5, 6, 7, 8}),
               sum(multiply(output.projection, random_normal({8, 128}, 2).to(test_device())))));
  return {output, network.named().gradients(), network.named().state_dict()};
}

TEST(NetworkCuda, Bfloat16FollowsFloat32) {
  const Pass exact = run_once(DType::kFloat32);
  const Pass rounded = run_once(DType::kBfloat16);
  EXPECT_EQ(rounded.output.logits.dtype(), DType::kFloat32);
  EXPECT_LT(relative_error(rounded.output.logits, exact.output.logits), 0.03);
  EXPECT_LT(relative_error(rounded.output.projection, exact.output.projection), 0.03);
  EXPECT_EQ(rounded.gradients.size(), exact.gradients.size());
  // Single gradients can be all rounding (a scale that the next BatchNorm takes out again), so they
  // are compared together.
  double difference = 0.0;
  double norm = 0.0;
  for (const auto& [name, gradient] : exact.gradients) {
    EXPECT_EQ(rounded.gradients.at(name).dtype(), DType::kFloat32) << name;
    for (std::int64_t i = 0; i < gradient.numel(); ++i) {
      const double value = gradient.data<float>()[i];
      difference += std::pow(rounded.gradients.at(name).data<float>()[i] - value, 2);
      norm += value * value;
    }
  }
  EXPECT_LT(std::sqrt(difference / norm), 0.1);
  for (const auto& [name, tensor] : exact.state) {
    if (name.find("running") == std::string::npos) continue;
    EXPECT_LT(relative_error(rounded.state.at(name), tensor), 0.03) << name;
  }
}

TEST(NetworkCuda, TheOptimiserKeepsTheBfloat16Copies) {
  Tensor weight = random_normal({8, 3, 3, 3}, 1).to(test_device());
  weight.set_requires_grad(true);
  Sgd optimizer({weight}, 0.9, 5e-4);
  const Tensor x = random_normal({2, 5, 5, 3}, 2).to(test_device()).to(DType::kBfloat16);
  for (int step = 0; step < 2; ++step) {
    optimizer.zero_grad();
    const Tensor y = conv2d(x, weight, 1, 1);
    backward(y, y.detach());
    optimizer.step(0.1);
    ASSERT_TRUE(weight.low_precision().defined());
    EXPECT_EQ(relative_error(weight.low_precision().to(DType::kFloat32),
                             weight.to(DType::kBfloat16).to(DType::kFloat32)),
              0.0);
  }
}

class LastEpoch final : public TrainingObserver {
 public:
  void on_epoch(const EpochMetrics& metrics) override { epochs.push_back(metrics); }
  void on_warning(const std::string& sentence) override {
    if (sentence.find("record") != std::string::npos) ++warnings;
  }
  std::vector<EpochMetrics> epochs;
  int warnings = 0;  ///< about graphs
};

struct Finished {
  std::vector<EpochMetrics> epochs;
  TensorMap state;  ///< of both networks, on the CPU
};

Recipe small_recipe(DeviceChoice device, const std::string& method = "bptplr") {
  Recipe recipe = method_recipe(method);
  recipe.dataset = DatasetKind::kShapes;
  recipe.shapes_train = 24;
  recipe.shapes_test = 10;
  recipe.num_epochs = 2;
  recipe.warm_up = 1;
  recipe.warm_up_batch_factor = 1;
  recipe.batch_size = 8;
  recipe.width = 4;
  recipe.crop = 16;
  recipe.blocks = "1,1,1,1";
  recipe.r = 0.2;
  recipe.device = device;
  return recipe;
}

Finished train(Recipe recipe) {
  resolve(recipe);
  const TrainingData data = load_training_data(recipe);
  LastEpoch observer;
  Trainer trainer(recipe, data, observer);
  trainer.run();
  EXPECT_EQ(observer.warnings, 0);
  return {observer.epochs, trainer.checkpoint().tensors};
}

/// Every step of the method runs on the device. Float32 differs from the CPU in rounding alone,
/// which training amplifies: the first epoch agrees closely, the second in the large.
TEST(NetworkCuda, WholeRunFollowsTheCpu) {
  const auto expected = train(small_recipe(DeviceChoice::kCpu)).epochs;
  const auto actual = train(small_recipe(DeviceChoice::kCuda)).epochs;
  ASSERT_EQ(actual.size(), 2U);
  for (const auto& [name, value] : expected[0].losses) {
    EXPECT_NEAR(actual[0].losses.at(name), value, 0.01 * std::abs(value)) << name;
  }
  for (const auto& [name, value] : expected[1].losses) {
    EXPECT_NEAR(actual[1].losses.at(name), value, 0.2 * std::abs(value) + 1e-3) << name;
  }
  ASSERT_EQ(actual[1].networks.size(), 2U);
  EXPECT_GT(actual[1].networks[0].selection.n_labelled, 0);
}

void expect_replays(Recipe recipe) {
  const Finished replayed = train(recipe);
  recipe.cuda_graph = false;
  const Finished run = train(recipe);
  ASSERT_EQ(run.epochs.size(), replayed.epochs.size());
  EXPECT_EQ(run.epochs.back().losses, replayed.epochs.back().losses);
  ASSERT_EQ(run.state.size(), replayed.state.size());
  for (const auto& [name, tensor] : run.state) {
    EXPECT_TRUE(same_bits(tensor, replayed.state.at(name))) << name;
  }
}

/// An epoch has three iterations: one that is run, and two that are replayed.
TEST(NetworkCuda, ReplayedIterationsAreThoseThatAreRun) {
  Recipe recipe = small_recipe(DeviceChoice::kCuda);
  recipe.precision = Precision::kBfloat16;
  recipe.shapes_train = 16;
  expect_replays(recipe);
}

/// DivideMix trains on what is left at the end of a pass, too: in batches of other sizes.
TEST(NetworkCuda, IterationsOfOtherSizesAreRunBesideTheGraph) {
  Recipe recipe = small_recipe(DeviceChoice::kCuda, "dividemix");
  recipe.batch_size = 3;
  recipe.shapes_train = 20;
  expect_replays(recipe);
}

/// The warm-up and the baselines are recorded too, up to a last batch of another size.
TEST(NetworkCuda, BaselinesAreReplayed) {
  for (const char* method : {"ce", "gce", "mixup"}) {
    SCOPED_TRACE(method);
    Recipe recipe = small_recipe(DeviceChoice::kCuda, method);
    recipe.batch_size = 6;
    recipe.shapes_train = 20;
    expect_replays(recipe);
  }
}

/// UNICON forwards single views, through a projector with BatchNorm.
TEST(NetworkCuda, SeveralForwardPassesAreReplayed) {
  Recipe recipe = small_recipe(DeviceChoice::kCuda, "unicon");
  recipe.batch_size = 3;
  recipe.shapes_train = 24;
  expect_replays(recipe);
}

}  // namespace
}  // namespace bptplr
