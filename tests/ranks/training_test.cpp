// Ranks train what one process trains, to rounding: every method, every network.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "bpt_plr/recipe/resolve.hpp"
#include "bpt_plr/train/trainer.hpp"
#include "bpt_plr/train/training_data.hpp"
#include "engine/error.hpp"
#include "tests/bpt_plr/small_recipe.hpp"
#include "tests/golden.hpp"
#include "tests/ranks/ranks.hpp"

namespace bptplr {
namespace {

/// Keeps the losses of every iteration; stops after `most` iterations, or one of the phase
/// `last`.
class Listener : public TrainingObserver {
 public:
  explicit Listener(std::size_t most) : most_(most) {}
  explicit Listener(const char* last) : last_(last) {}
  void on_progress(const Progress& progress) override {
    if (!progress.losses.empty()) losses.push_back(progress.losses);
    stops_ = stops_ || progress.phase == last_;
  }
  void on_epoch(const EpochMetrics& metrics) override { epochs.push_back(metrics); }
  bool wants_stop() override { return stops_ || losses.size() >= most_; }

  std::vector<LossTerms> losses;
  std::vector<EpochMetrics> epochs;

 private:
  std::size_t most_ = 1'000'000;
  std::string last_;
  bool stops_ = false;
};

struct Trained {
  Listener listener;
  Checkpoint end;
};

/// Trains until then (see Listener), from `start` on if there is one.
template <class Until>
Trained train(const Recipe& recipe, const TrainingData& data, Communicator& group, Until until,
              const Checkpoint* start = nullptr) {
  Trained trained{Listener(until), {}};
  Trainer trainer(recipe, data, trained.listener, group);
  if (start != nullptr) trainer.restore(*start, "the test");
  trainer.run();
  trained.end = trainer.checkpoint();
  return trained;
}

/// Returns the largest relative difference of a loss.
double largest_difference(const Listener& a, const Listener& b) {
  double largest = 0.0;
  for (std::size_t i = 0; i < a.losses.size(); ++i) {
    for (const auto& [name, value] : a.losses[i]) {
      const double other = b.losses.at(i).at(name);
      largest = std::max(largest, std::abs(value - other) / std::max(std::abs(value), 1e-3));
    }
  }
  return largest;
}

constexpr std::size_t kIterations = 20;
constexpr double kTolerance = 1e-4;

/// Recipe of 26 iterations an epoch. The learning rate is low, as rounding grows with each step of
/// any training: a last bit more in the initial weights is 2e-5 of a loss after ten iterations at
/// 0.002. What a high one would show, of the gradients, step_test.cpp shows in float64.
Recipe recipe_of(const std::string& method, Arch arch = Arch::kPreActResNet) {
  Recipe recipe = small_recipe(method);
  recipe.arch = arch;
  recipe.lr = 0.00002;
  recipe.num_epochs = 4;
  recipe.width = 4;
  recipe.shapes_train = 400;
  if (arch != Arch::kPreActResNet) recipe.blocks = "";
  if (arch == Arch::kVgg19Bn) recipe.pool_side = 1;
  return recipe;
}

TrainingData load(Recipe& recipe) {
  resolve(recipe);
  return load_training_data(recipe);
}

/// Returns where a run is after the first iteration of a divided epoch.
Checkpoint first_divided(const Recipe& recipe, const TrainingData& data) {
  return train(recipe, data, Communicator::alone(), "train").end;
}

/// Trains twenty iterations of the warm-up, and twenty of a divided epoch, from a checkpoint whose
/// outputs divide the samples.
void expect_same_losses(Recipe recipe) {
  const TrainingData data = load(recipe);
  const auto expect_from = [&](const Checkpoint* start) {
    const Trained alone = train(recipe, data, Communicator::alone(), kIterations, start);
    const Trained together = train(recipe, data, ranks(), kIterations, start);
    ASSERT_EQ(alone.listener.losses.size(), kIterations);
    ASSERT_EQ(together.listener.losses.size(), kIterations);
    EXPECT_LT(largest_difference(alone.listener, together.listener), kTolerance);
  };
  expect_from(nullptr);
  if (!divides(recipe)) return;
  const Checkpoint start = first_divided(recipe, data);
  expect_from(&start);
}

class RanksMethod : public testing::TestWithParam<const char*> {};

TEST_P(RanksMethod, TwentyIterations) {
  expect_same_losses(recipe_of(GetParam()));
}

const auto kMethodName = [](const auto& method) { return std::string(method.param); };
INSTANTIATE_TEST_SUITE_P(Every, RanksMethod,
                         testing::Values("bptplr", "plremix", "dividemix", "unicon", "longremix",
                                         "ce", "mixup", "gce"),
                         kMethodName);

class RanksNetwork : public testing::TestWithParam<Arch> {};

/// With dropout masks.
TEST_P(RanksNetwork, TwentyIterations) {
  expect_same_losses(recipe_of("bptplr", GetParam()));
}

const auto kArchName = [](const auto& arch) { return std::string(name_of(arch.param)); };
INSTANTIATE_TEST_SUITE_P(Every, RanksNetwork, testing::Values(Arch::kVgg19Bn, Arch::kCnn9),
                         kArchName);

/// The division that follows a warm-up of one process.
TEST(RanksDivision, IsThatOfOneProcess) {
  Recipe recipe = recipe_of("bptplr");
  recipe.num_epochs = 1;
  const TrainingData data = load(recipe);
  const Checkpoint start = train(recipe, data, Communicator::alone(), "").end;
  recipe.num_epochs = 2;
  const auto divided = [&](Communicator& group) {
    return train(recipe, data, group, "", &start).listener.epochs.at(0).networks;
  };
  const std::vector<NetworkMetrics> alone = divided(Communicator::alone());
  const std::vector<NetworkMetrics> together = divided(ranks());
  ASSERT_EQ(alone.size(), 2U);
  for (std::size_t k = 0; k < alone.size(); ++k) {
    EXPECT_EQ(alone[k].labelled_per_class, together[k].labelled_per_class);
    for (std::size_t i = 0; i < alone[k].clean.size(); ++i) {
      EXPECT_NEAR(alone[k].clean[i], together[k].clean[i], kTolerance) << i;
    }
  }
}

/// Each iteration begins where one process was: in a ResNet-50 of random weights a last bit of them
/// is a hundredth of the loss two iterations later.
TEST(RanksResNet50, TwentyIterations) {
  Recipe recipe = recipe_of("bptplr", Arch::kResNet50);
  const TrainingData data = load(recipe);
  const Checkpoint divided = first_divided(recipe, data);
  for (const Checkpoint* phase : {static_cast<const Checkpoint*>(nullptr), &divided}) {
    std::optional<Checkpoint> start;
    if (phase != nullptr) start = *phase;
    for (std::size_t i = 0; i < kIterations; ++i) {
      const Checkpoint* from = start ? &*start : nullptr;
      const Trained together = train(recipe, data, ranks(), std::size_t{1}, from);
      const Trained alone = train(recipe, data, Communicator::alone(), std::size_t{1}, from);
      EXPECT_LT(largest_difference(alone.listener, together.listener), kTolerance) << i;
      start = alone.end;
    }
  }
}

}  // namespace
}  // namespace bptplr
