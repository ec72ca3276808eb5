// The estimate of a run's time, on a clock of its own: what is known from which iteration on.
#include "bpt_plr/run/run_time.hpp"

#include <gtest/gtest.h>

#include "bpt_plr/recipe/builtin.hpp"
#include "bpt_plr/recipe/resolve.hpp"

namespace bptplr {
namespace {

constexpr std::int64_t kImages = 1000;
constexpr std::int64_t kTest = 100;

Recipe recipe_of(const std::string& method, std::int64_t epochs) {
  Recipe recipe = method_recipe(method, Preset::kPaper);
  recipe.dataset = DatasetKind::kShapes;
  recipe.method = method;
  recipe.num_epochs = epochs;
  recipe.warm_up = 10;
  resolve(recipe);
  return recipe;
}

/// A run whose iterations take known times.
class Clock {
 public:
  Clock(const Recipe& recipe, std::int64_t iterations)
      : time(recipe, kImages, kTest), recipe_(recipe), iterations_(iterations) {
    time.start(0.0);
  }

  /// Does iterations `first` to `last` of a phase, each of `seconds`.
  void phase(std::int64_t epoch, const std::string& name, int network, std::int64_t first,
             std::int64_t last, double seconds) {
    for (std::int64_t i = first; i <= last; ++i) {
      now += seconds;
      time.note_progress({epoch, recipe_.num_epochs, name, network, i, iterations_, i, {}}, now);
    }
  }
  void warm_up_epoch(std::int64_t epoch, double seconds) {
    phase(epoch, "warm_up", 1, 1, iterations_, seconds);
    phase(epoch, "warm_up", 2, 1, iterations_, seconds);
    time.note_progress({epoch, recipe_.num_epochs, "test", 0, 0, 1, 0, {}}, now);
    now += 1.0;
    time.note_epoch(epoch, now);
  }

  RunTime time;
  double now = 0.0;

 private:
  Recipe recipe_;
  std::int64_t iterations_;
};

TEST(RunTime, ABaselineIsKnownFromItsFirstIterations) {
  const Recipe recipe = recipe_of("ce", 100);
  ASSERT_FALSE(divides(recipe));
  Clock clock(recipe, 50);
  EXPECT_LT(clock.time.run_left(), 0.0) << "nothing is known yet";
  EXPECT_FALSE(clock.time.left());
  clock.phase(0, "ce", 1, 1, 1, 5.0);  // the first is slow, and all that is known
  EXPECT_GT(clock.time.run_left(), 100 * 49 * 5.0);
  clock.phase(0, "ce", 1, 2, 5, 0.1);
  const auto left = clock.time.left();
  ASSERT_TRUE(left);
  EXPECT_EQ(left->epochs(), 100);
  EXPECT_EQ(left->warm_up_epochs, 0);
  // 50 iterations, and a test of a tenth of the images that only passes forward: 1 / 30 of them.
  EXPECT_NEAR(left->seconds(), 100 * 5.0 * (1.0 + 1.0 / 30.0) + 5.0, 1.0);
  EXPECT_NEAR(clock.time.epoch_left(), 45 * 0.1 + 5.0 / 30.0, 1e-6);
}

TEST(RunTime, EpochsAfterTheWarmUpFollowFromItUntilTheyAreMeasured) {
  const Recipe recipe = recipe_of("bptplr", 30);
  ASSERT_TRUE(divides(recipe));
  ASSERT_EQ(recipe.warm_up_contrastive, WarmUpContrastive::kFlatNce);
  Clock clock(recipe, 10);
  clock.phase(0, "warm_up", 1, 1, 6, 1.0);
  const auto first = clock.time.left();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->warm_up_epochs, 10);
  EXPECT_EQ(first->other_epochs, 20);
  // An epoch of the warm-up: 2 x 10 iterations of 9 passes, and a test of a tenth of the images.
  const double pass = 10.0 / (9.0 * kImages);
  EXPECT_NEAR(first->warm_up_seconds, 10 * (20.0 + 2 * kTest * pass), 0.5);
  // After it: 30 passes in place of 9, and a partition.
  EXPECT_NEAR(first->other_seconds, 20 * 2 * (30 * kImages + kImages + kTest) * pass, 0.5);

  for (int epoch = 0; epoch < 10; ++epoch) clock.warm_up_epoch(epoch, 1.0);
  // The partition, counted in images, then iterations twice as slow as expected.
  for (const int network : {1, 2}) clock.phase(10, "partition", network, 1, 10, 1e-4);
  const double iteration = 2.0 * 30.0 / 9.0;
  clock.phase(10, "train", 1, 1, 5, iteration);
  const auto measured = clock.time.left();
  ASSERT_TRUE(measured);
  EXPECT_EQ(measured->warm_up_epochs, 0);
  EXPECT_EQ(measured->other_epochs, 20);
  EXPECT_NEAR(measured->other_seconds / (20 * 20 * iteration), 1.0, 0.1);
  EXPECT_NEAR(clock.time.epoch_left() / (15 * iteration), 1.0, 0.1);
}

TEST(RunTime, WholeEpochsBeatEstimates) {
  Clock clock(recipe_of("bptplr", 30), 10);
  clock.warm_up_epoch(0, 1.0);
  clock.phase(1, "warm_up", 1, 1, 5, 1.0);
  EXPECT_NEAR(clock.time.epoch_left(), 21.0 - 5.0, 1e-6);
  EXPECT_NEAR(clock.time.left()->warm_up_seconds, 10 * 21.0 - 21.0, 1e-6);
}

TEST(RunTime, AnEpochThatBeganBeforeSaysNothingOfOthers) {
  Clock clock(recipe_of("bptplr", 30), 10);
  clock.phase(3, "warm_up", 2, 8, 10, 1.0);
  EXPECT_NEAR(clock.time.left()->warm_up_seconds, 6 * 20.0, 10.0);
  clock.time.note_epoch(3, clock.now);
  clock.phase(4, "warm_up", 1, 1, 4, 1.0);
  EXPECT_GT(clock.time.epoch_left(), 15.0);
  EXPECT_TRUE(clock.time.is_warm_up(4));
  EXPECT_FALSE(clock.time.is_warm_up(10));
}

TEST(RunTime, EpochSizeLimitsTheImages) {
  Recipe recipe = recipe_of("ce", 10);
  const auto seconds = [&](std::int64_t images) {
    RunTime time(recipe, images, 1'000'000);
    time.note_progress({0, 10, "ce", 1, 1, 5, 1, {}}, 1.0);
    time.note_progress({0, 10, "ce", 1, 2, 5, 2, {}}, 2.0);
    return time.left()->seconds();
  };
  recipe.epoch_size = 1000;
  EXPECT_DOUBLE_EQ(seconds(1000), seconds(100'000));
}

}  // namespace
}  // namespace bptplr
