// What a run does with its networks, from outside: who trains on whose division, how prototypes
// move, what an epoch reports. That it goes on to the same bits is in checkpoint_test.cpp.
#include "bpt_plr/train/trainer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "bpt_plr/method/ops.hpp"
#include "bpt_plr/method/pseudo_labels.hpp"
#include "bpt_plr/recipe/resolve.hpp"
#include "bpt_plr/train/sampler.hpp"
#include "tests/bpt_plr/small_recipe.hpp"
#include "tests/golden.hpp"
#include "tests/tensor_ops.hpp"

namespace bptplr {
namespace {

Recipe tiny_recipe(const std::string& method, std::int64_t num_epochs,
                   std::optional<Preset> preset = {}) {
  Recipe recipe = small_recipe(method, preset);
  recipe.num_epochs = num_epochs;
  recipe.loss_history = 1;
  return recipe;
}

/// Keeps what it is told. Wants to stop after the first iteration of `stop_in`, where there is one.
class Listener : public TrainingObserver {
 public:
  explicit Listener(std::string stop_in = "") : stop_in_(std::move(stop_in)) {}
  void on_progress(const Progress& progress) override {
    stops_ = stops_ || progress.phase == stop_in_;
    if (progress.phase == "train") {
      iterations[{progress.epoch, progress.network}] = progress.iterations;
    }
  }
  void on_epoch(const EpochMetrics& metrics) override { epochs.push_back(metrics); }
  void on_warning(const std::string& sentence) override { warnings.push_back(sentence); }
  bool wants_stop() override { return stops_; }

  std::map<std::pair<std::int64_t, int>, std::int64_t>
      iterations;  ///< by epoch and network, 1 or 2
  std::vector<EpochMetrics> epochs;
  std::vector<std::string> warnings;

 private:
  std::string stop_in_;
  bool stops_ = false;
};

TEST(Trainer, ANetworkTrainsOnTheDivisionOfTheOther) {
  Recipe recipe = tiny_recipe("dividemix", 6);
  recipe.batch_size = 4;  // so that few samples more are another iteration
  resolve(recipe);
  ASSERT_EQ(recipe.epoch_length, EpochLength::kLabelled);
  const TrainingData data = load_training_data(recipe);
  Listener listener;
  ASSERT_TRUE(Trainer(recipe, data, listener).run());
  int differing = 0;
  for (const EpochMetrics& epoch : listener.epochs) {
    if (epoch.networks.empty()) continue;
    std::array<std::int64_t, 2> expected{};
    for (int k = 0; k < 2; ++k) {
      Division of_the_other;
      const std::int64_t size =
          epoch.networks[static_cast<std::size_t>(1 - k)].selection.n_labelled;
      of_the_other.partition.labelled.resize(static_cast<std::size_t>(size));
      of_the_other.partition.unlabelled.resize(static_cast<std::size_t>(100 - size));
      expected[static_cast<std::size_t>(k)] = plan_passes(recipe, of_the_other).iterations;
      EXPECT_EQ(listener.iterations.at({epoch.epoch, k + 1}), expected[static_cast<std::size_t>(k)])
          << "epoch " << epoch.epoch << ", network " << k + 1;
    }
    differing += expected[0] != expected[1] ? 1 : 0;
  }
  EXPECT_GT(differing, 0) << "no epoch tells the two divisions apart";
}

/// With momentum 0 prototypes are the class means of what they follow: of the outputs of networks
/// `sources[k]` before the epoch, one after the other (a class that one lacks stays as it is).
void expect_prototypes(Preset preset, const std::array<std::vector<int>, 2>& sources) {
  SCOPED_TRACE(name_of(preset));
  Recipe recipe = tiny_recipe("bptplr", 2, preset);
  recipe.proto_momentum = 0.0;
  resolve(recipe);
  const TrainingData data = load_training_data(recipe);
  Listener early("train");
  Trainer first(recipe, data, early);
  ASSERT_FALSE(first.run());
  const Checkpoint begun = first.checkpoint();  // holds what both networks said before training

  Listener listener;
  Trainer second(recipe, data, listener);
  second.restore(begun, "here");
  ASSERT_TRUE(second.run());
  const TensorMap after = second.checkpoint().tensors;
  for (int k = 1; k <= 2; ++k) {
    const std::string prototypes = "network" + std::to_string(k) + ".prototypes";
    Tensor expected = begun.tensors.at(prototypes).clone();
    for (const int source : sources[static_cast<std::size_t>(k - 1)]) {
      const std::string kept = "kept" + std::to_string(source) + ".";
      const KeptOutputs outputs{begun.tensors.at(kept + "logits"),
                                begun.tensors.at(kept + "prototype_logits"),
                                begun.tensors.at(kept + "projection")};
      update_prototypes(outputs.projection, make_pseudo_labels(recipe)->choose(outputs, 1), 0.0,
                        expected);
      EXPECT_GT(relative_error(expected, begun.tensors.at(prototypes)), 1e-4) << "they have moved";
    }
    EXPECT_LT(relative_error(after.at(prototypes), expected), 1e-6) << "network " << k;
  }
}

TEST(Trainer, PrototypesFollowTheirOwnNetworkOrAsThePublishedScriptHasIt) {
  expect_prototypes(Preset::kPaper, {{{1}, {2}}});
  // The script moves those of network 1 twice, by the other network each time, and no others.
  expect_prototypes(Preset::kReference, {{{2, 1}, {}}});
}

/// Stops when the given epoch has ended.
class StopAfterEpoch : public Listener {
 public:
  explicit StopAfterEpoch(std::size_t count) : count_(count) {}
  bool wants_stop() override { return epochs.size() >= count_; }

 private:
  std::size_t count_;
};

TEST(Trainer, PrototypesAreMadeAtTheEndOfTheWarmUp) {
  Recipe recipe = tiny_recipe("bptplr", 3);
  recipe.warm_up = 2;
  recipe.epoch_size = 60;  // an epoch has samples of its own
  resolve(recipe);
  const TrainingData data = load_training_data(recipe);
  const auto prototypes_after = [&](std::size_t epochs) {
    StopAfterEpoch listener(epochs);
    Trainer trainer(recipe, data, listener);
    EXPECT_FALSE(trainer.run());
    return std::pair{trainer.network(0).prototypes().clone(),
                     trainer.network(1).prototypes().clone()};
  };
  EXPECT_EQ(sum(prototypes_after(1).first).item(), 0.0) << "none before";
  const auto [first, second] = prototypes_after(2);
  Listener listener("train");
  Trainer later(recipe, data, listener);
  ASSERT_FALSE(later.run());  // within the first divided epoch, before they move
  EXPECT_EQ(relative_error(later.network(0).prototypes(), first), 0.0);
  EXPECT_EQ(relative_error(later.network(1).prototypes(), second), 0.0);
  EXPECT_GT(relative_error(second, first), 1e-3);
  for (std::int64_t c = 0; c < first.size(0); ++c) {
    const Tensor row = first.rows(c, c + 1);
    EXPECT_NEAR(sum(multiply(row, row)).item(), 1.0, 1e-5);
  }
}

TEST(Trainer, AJointDivisionIsReportedForEachNetwork) {
  Recipe recipe = tiny_recipe("unicon", 3);
  resolve(recipe);
  ASSERT_EQ(recipe.exchange, Exchange::kJoint);
  const TrainingData data = load_training_data(recipe);
  Listener listener;
  ASSERT_TRUE(Trainer(recipe, data, listener).run());
  const EpochMetrics& last = listener.epochs.back();
  ASSERT_EQ(last.networks.size(), 2U);
  EXPECT_NE(last.networks[0].clean, last.networks[1].clean) << "network 1 has trained in between";
  for (int k = 0; k < 2; ++k) {
    Division trained_on;
    const std::int64_t size = last.networks[static_cast<std::size_t>(k)].selection.n_labelled;
    trained_on.num_clean = 50;  // as many as give batches of the usual size
    trained_on.partition.labelled.resize(static_cast<std::size_t>(size));
    trained_on.partition.unlabelled.resize(static_cast<std::size_t>(100 - size));
    EXPECT_EQ(listener.iterations.at({last.epoch, k + 1}),
              plan_passes(recipe, trained_on).iterations);
  }
}

TEST(Trainer, ClassSetsGrowByTheSchedule) {
  Recipe recipe = tiny_recipe("bptplr", 3);
  recipe.kappa = "0:1,2:10";
  recipe.lambda_c = 1.0;
  resolve(recipe);
  ASSERT_EQ(recipe.contrastive, ContrastKind::kPlr);
  const TrainingData data = load_training_data(recipe);
  Listener listener;
  ASSERT_TRUE(Trainer(recipe, data, listener).run());
  EXPECT_GT(listener.epochs[1].losses.at("contrastive"), 0.1);
  EXPECT_EQ(listener.epochs[2].losses.at("contrastive"), 0.0) << "all classes: no negatives";
}

TEST(Trainer, ReportsTheBestAccuracyAndTheMeanOfTheLastTen) {
  Recipe recipe = tiny_recipe("ce", 13);
  recipe.lr = 0.05;
  resolve(recipe);
  const TrainingData data = load_training_data(recipe);
  Listener listener;
  ASSERT_TRUE(Trainer(recipe, data, listener).run());
  std::vector<double> accuracies;
  for (const EpochMetrics& epoch : listener.epochs) {
    accuracies.push_back(epoch.test_acc);
    EXPECT_EQ(epoch.best_acc, *std::ranges::max_element(accuracies));
    const auto count = std::min<std::ptrdiff_t>(10, std::ssize(accuracies));
    const double sum = std::accumulate(accuracies.end() - count, accuracies.end(), 0.0);
    EXPECT_NEAR(epoch.mean_last10, sum / static_cast<double>(count), 1e-9);
  }
  ASSERT_EQ(accuracies.size(), 13U);
  EXPECT_GT(*std::ranges::max_element(accuracies), *std::ranges::min_element(accuracies));
}

TEST(Trainer, ASmallSetIsWarnedOfAndTrainedOn) {
  Recipe recipe = tiny_recipe("dividemix", 2);
  recipe.p_threshold = 1.0;  // which no posterior exceeds
  resolve(recipe);
  const TrainingData data = load_training_data(recipe);
  Listener listener;
  ASSERT_TRUE(Trainer(recipe, data, listener).run());
  EXPECT_EQ(listener.epochs.back().networks[0].selection.n_labelled, 0);
  EXPECT_EQ(std::ranges::count(listener.warnings,
                               "epoch 1: the labelled set of network 1 has 0 samples, fewer than a "
                               "batch of 16; training goes on with the other set alone"),
            1);
  EXPECT_GT(listener.iterations.at({1, 1}), 0);
}

}  // namespace
}  // namespace bptplr
