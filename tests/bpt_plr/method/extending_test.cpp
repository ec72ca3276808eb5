// The worked example of docs/extending.md, bpt_plr/method/small_loss_selection.cpp: it selects what
// it says, and trains.
#include <gtest/gtest.h>

#include <algorithm>

#include "bpt_plr/method/selection.hpp"
#include "bpt_plr/recipe/resolve.hpp"
#include "bpt_plr/train/trainer.hpp"
#include "engine/io/file.hpp"
#include "tests/bpt_plr/small_recipe.hpp"

namespace bptplr {
namespace {

Recipe small_loss_recipe() {
  Recipe recipe = small_recipe("dividemix");
  recipe.selection = SelectionKind::kSmallLoss;
  recipe.r = 0.4;
  recipe.num_epochs = 2;
  recipe.lambda_ramp = 2;
  resolve(recipe);
  return recipe;
}

TEST(Extending, TheExampleSelectsTheSmallestLosses) {
  const Recipe recipe = small_loss_recipe();
  const std::vector<std::int64_t> labels(10, 0);
  std::vector<float> losses;
  for (int i = 0; i < 10; ++i) losses.push_back(0.1F * static_cast<float>((i * 7) % 10));
  const std::vector<Evidence> evidence{{Tensor::from(losses, {10}), {}}};
  const auto selection = make_selection(recipe);
  const auto labelled_in = [&](std::int64_t epoch) {
    return selection->divide({epoch, epoch, labels}, evidence).at(0).partition.labelled;
  };
  for (const auto& [epoch, count] : {std::pair{1, 8}, {2, 6}, {9, 6}}) {
    const auto labelled = labelled_in(epoch);
    EXPECT_EQ(std::ssize(labelled), count) << "epoch " << epoch;
    for (const std::int64_t i : labelled) {
      EXPECT_LT((i * 7) % 10, count) << "sample " << i << " has a larger loss than one left out";
    }
  }
}

TEST(Extending, TheExampleTrains) {
  class LastEpoch : public TrainingObserver {
   public:
    void on_epoch(const EpochMetrics& metrics) override { last = metrics; }
    EpochMetrics last;
  };
  const Recipe recipe = small_loss_recipe();
  const TrainingData data = load_training_data(recipe);
  LastEpoch observer;
  ASSERT_TRUE(Trainer(recipe, data, observer).run());
  ASSERT_EQ(observer.last.networks.size(), 2U);
  for (const NetworkMetrics& network : observer.last.networks) {
    EXPECT_EQ(network.selection.n_labelled, 80);
  }
  EXPECT_GT(observer.last.losses.at("loss_u"), 0.0);
}

TEST(Extending, TheGuideShowsTheExampleAsItIs) {
  const std::string guide = read_file(BPTPLR_SOURCE_DIR "/docs/extending.md");
  const std::string example =
      read_file(BPTPLR_SOURCE_DIR "/bpt_plr/method/small_loss_selection.cpp");
  EXPECT_NE(guide.find("```cpp\n" + example + "```"), std::string::npos);
}

}  // namespace
}  // namespace bptplr
