#include "bpt_plr/run/trained_model.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "bpt_plr/recipe/network.hpp"
#include "bpt_plr/recipe/resolve.hpp"
#include "bpt_plr/run/run_folder.hpp"
#include "bpt_plr/train/evaluation.hpp"
#include "bpt_plr/train/trainer.hpp"
#include "bpt_plr/train/view_maker.hpp"
#include "data/sets/shapes.hpp"
#include "tests/golden.hpp"
#include "tests/message_of.hpp"
#include "tests/temporary_folder.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

/// A run folder with two networks as they begin.
class TrainedModelTest : public ::testing::Test {
 protected:
  TrainedModelTest() {
    recipe_.dataset = DatasetKind::kShapes;
    recipe_.width = 2;
    recipe_.low_dim = 8;
    recipe_.crop = 24;
    recipe_.device = DeviceChoice::kCpu;
    resolve(recipe_);
    RunFolder folder = RunFolder::create(path_);
    folder.write_config(recipe_);
    folder.write_classes(dataset_);
    for (int i = 0; i < 2; ++i) {
      networks_.push_back(make_network(recipe_, i));
      folder.write_model(i, *networks_.back(), 1);
    }
  }

  /// The second network of the run as a file without a run.
  TrainedModel alone(const Recipe& recipe, const std::vector<float>& mean) const {
    const fs::path file = path_ / "elsewhere.safetensors";
    fs::copy_file(path_ / "model2.safetensors", file, fs::copy_options::overwrite_existing);
    return {file, recipe, mean, dataset_.std, DeviceChoice::kCpu};
  }

  TemporaryFolder folder_;
  fs::path path_ = folder_.path() / "run";
  Dataset dataset_ = make_shapes(3, 20, 10);
  Recipe recipe_;
  Networks networks_;
};

TEST_F(TrainedModelTest, SaysWhatTheNetworksOfTheRunSay) {
  const TrainedModel model(path_, DeviceChoice::kCpu);
  ASSERT_EQ(model.networks().size(), 2U);
  EXPECT_EQ(model.heads().num_classes, 10);
  EXPECT_EQ(model.about().class_names, dataset_.class_names);
  const auto outputs = model.outputs(dataset_.train);
  ASSERT_EQ(outputs.size(), 2U);
  const auto views = make_view_maker(recipe_, dataset_, dataset_.train);
  for (std::size_t k = 0; k < 2; ++k) {
    const Network::Output expected = evaluate(*networks_[k], *views);
    EXPECT_EQ(relative_error(outputs[k].logits, expected.logits), 0.0);
    EXPECT_EQ(relative_error(outputs[k].projection, expected.projection), 0.0);
  }
}

TEST_F(TrainedModelTest, ProbabilitiesAreOfTheMeanOfTheLogits) {
  const TrainedModel model(path_, DeviceChoice::kCpu);
  const auto outputs = model.outputs(dataset_.test);
  const Tensor probabilities = model.probabilities(dataset_.test);
  ASSERT_EQ(probabilities.shape(), (Shape{10, 10}));
  for (std::int64_t i = 0; i < 10; ++i) {
    std::vector<double> weights;
    double sum = 0;
    for (std::int64_t c = i * 10; c < i * 10 + 10; ++c) {
      const auto z = [&](std::size_t k) {
        return static_cast<double>(outputs[k].logits.data<float>()[c]);
      };
      weights.push_back(std::exp((z(0) + z(1)) / 2));
      sum += weights.back();
    }
    for (std::size_t c = 0; c < 10; ++c) {
      EXPECT_NEAR(probabilities.rows(i, i + 1).data<float>()[c], weights[c] / sum, 1e-6);
    }
  }
  EXPECT_EQ(model.probabilities({.images = Images::in_memory(32, 32, {}), .labels = {}}).shape(),
            (Shape{0, 10}));
}

TEST_F(TrainedModelTest, OneFileOfARunSpeaksAlone) {
  const TrainedModel model(path_ / "model2.safetensors", DeviceChoice::kCpu);
  ASSERT_EQ(model.networks().size(), 1U);
  EXPECT_EQ(
      relative_error(model.outputs(dataset_.test)[0].logits,
                     TrainedModel(path_, DeviceChoice::kCpu).outputs(dataset_.test)[1].logits),
      0.0);
}

TEST_F(TrainedModelTest, AFileNeedsOnlyTheFieldsOfItsNetwork) {
  Recipe recipe;  // of CIFAR-10, but for the network
  recipe.width = 2;
  recipe.low_dim = 8;
  recipe.crop = 24;
  recipe.num_class = 100;                   // the file has 10
  recipe.precision = Precision::kBfloat16;  // which only a GPU has
  const TrainedModel model = alone(recipe, dataset_.mean);
  EXPECT_TRUE(model.about().class_names.empty());
  const Tensor expected = TrainedModel(path_, DeviceChoice::kCpu).outputs(dataset_.test)[1].logits;
  EXPECT_EQ(relative_error(model.outputs(dataset_.test)[0].logits, expected), 0.0);
  const TrainedModel darker = alone(recipe, {0.9F, 0.9F, 0.9F});
  EXPECT_GT(relative_error(darker.outputs(dataset_.test)[0].logits, expected), 1e-3);
}

TEST_F(TrainedModelTest, SaysWhatDoesNotFit) {
  EXPECT_NE(message_of([&] {
              TrainedModel(path_ / "none", DeviceChoice::kCpu);
            }).find("there is no folder"),
            std::string::npos);
  recipe_.width = 4;
  const std::string message = message_of([&] { alone(recipe_, dataset_.mean); });
  EXPECT_TRUE(message.starts_with((path_ / "elsewhere.safetensors").string())) << message;
  EXPECT_NE(message.find("check --arch"), std::string::npos) << message;
  save_safetensors(path_ / "other.safetensors", {{"weight", Tensor::zeros({3})}});
  EXPECT_NE(message_of([&] {
              TrainedModel(path_ / "other.safetensors", recipe_, dataset_.mean, dataset_.std,
                           DeviceChoice::kCpu);
            }).find("no tensor 'prototypes'"),
            std::string::npos);
  recipe_.arch = Arch::kVgg19Bn;  // which has no blocks
  EXPECT_NE(message_of([&] { alone(recipe_, dataset_.mean); }).find("has no residual blocks"),
            std::string::npos);
}

}  // namespace
}  // namespace bptplr
