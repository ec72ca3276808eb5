// Ranks that normalise by the statistics of their own rows (sync_batch_norm false): each trains by
// other ones, and all have the same network whenever somebody looks.
#include <gtest/gtest.h>

#include <string>

#include "bpt_plr/recipe/resolve.hpp"
#include "bpt_plr/train/agreement.hpp"
#include "bpt_plr/train/trainer.hpp"
#include "bpt_plr/train/training_data.hpp"
#include "tests/bpt_plr/small_recipe.hpp"
#include "tests/ranks/ranks.hpp"

namespace bptplr {
namespace {

/// Stops after so many iterations.
class Listener : public TrainingObserver {
 public:
  explicit Listener(std::size_t most) : most_(most) {}
  void on_progress(const Progress& progress) override {
    if (!progress.losses.empty()) ++iterations_;
  }
  bool wants_stop() override { return iterations_ >= most_; }

 private:
  std::size_t most_;
  std::size_t iterations_ = 0;
};

Recipe recipe_of(const std::string& method, bool sync) {
  Recipe recipe = small_recipe(method);
  recipe.num_epochs = 2;
  recipe.width = 4;
  recipe.sync_batch_norm = sync;
  resolve(recipe);
  return recipe;
}

/// Returns the state after so many iterations.
Checkpoint train(const Recipe& recipe, std::size_t iterations) {
  const TrainingData data = load_training_data(recipe);
  Listener listener(iterations);
  Trainer trainer(recipe, data, listener, ranks());
  trainer.run();
  return trainer.checkpoint();
}

std::uint64_t hash_of(const Checkpoint& checkpoint, const std::string& ending = "") {
  std::vector<Tensor> tensors;
  for (const auto& [name, tensor] : checkpoint.tensors) {
    if (name.ends_with(ending)) tensors.push_back(tensor);
  }
  EXPECT_FALSE(tensors.empty());
  return hash_tensors(tensors);
}

constexpr std::size_t kWhole = 1'000'000;
constexpr std::size_t kWithinAnEpoch = 3;

class RanksOwnStatisticsOf : public testing::TestWithParam<const char*> {};

TEST_P(RanksOwnStatisticsOf, AllRanksHaveTheSameStateInTheEnd) {
  const Checkpoint own = train(recipe_of(GetParam(), false), kWhole);
  EXPECT_EQ(own.position.epoch, 2);
  EXPECT_NO_THROW(require_agreement(ranks(), hash_of(own), "the states", ""));
  const Checkpoint together = train(recipe_of(GetParam(), true), kWhole);
  EXPECT_EQ(hash_of(own, "running_mean") == hash_of(together, "running_mean"), ranks().is_alone());
}

INSTANTIATE_TEST_SUITE_P(Every, RanksOwnStatisticsOf, testing::Values("bptplr", "unicon", "ce"));

TEST(RanksOwnStatistics, AllRanksHaveTheSameStateWithinAnEpoch) {
  const Checkpoint own = train(recipe_of("bptplr", false), kWithinAnEpoch);
  EXPECT_TRUE(own.position.within_epoch());
  EXPECT_NO_THROW(require_agreement(ranks(), hash_of(own), "the states", ""));
}

TEST(RanksOwnStatistics, TheAgreedOnesAreTheMeanAndStay) {
  NamedTensors named;
  const Tensor mean = Tensor::full({3}, ranks().rank() + 0.25);
  const Tensor variance = Tensor::full({2}, 4.0 * ranks().rank());
  const Tensor weight = Tensor::full({2}, ranks().rank());
  named.add("a.running_mean", mean, NamedTensors::Kind::kBuffer);
  named.add("a.running_var", variance, NamedTensors::Kind::kBuffer);
  named.add("a.weight", weight, NamedTensors::Kind::kParameter);
  const double half = (ranks().size() - 1) / 2.0;
  for (int time = 0; time < 2; ++time) {
    average_statistics(ranks(), named);
    for (const float value : mean.span<float>()) EXPECT_FLOAT_EQ(value, half + 0.25);
    for (const float value : variance.span<float>()) EXPECT_FLOAT_EQ(value, 4.0 * half);
    for (const float value : weight.span<float>()) EXPECT_EQ(value, ranks().rank());
  }
}

}  // namespace
}  // namespace bptplr
