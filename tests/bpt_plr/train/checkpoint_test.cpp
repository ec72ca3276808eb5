// Runs that stop and go on, without the app around them.
#include "bpt_plr/train/checkpoint.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <memory>

#include "bpt_plr/recipe/builtin.hpp"
#include "bpt_plr/recipe/json.hpp"
#include "bpt_plr/recipe/resolve.hpp"
#include "bpt_plr/run/checkpoint_store.hpp"
#include "bpt_plr/train/trainer.hpp"
#include "engine/error.hpp"
#include "engine/io/file.hpp"
#include "engine/io/json.hpp"
#include "tests/bpt_plr/small_recipe.hpp"
#include "tests/temporary_folder.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

/// Seven iterations of each network in the warm-up, and eight in each of two divided epochs.
Recipe tiny_recipe(const std::string& method = "bptplr") {
  Recipe recipe = small_recipe(method);
  recipe.num_epochs = recipe.second_run.empty() ? 3 : 6;
  recipe.loss_history = 2;
  resolve(recipe);
  return recipe;
}

/// Wants to stop after so many iterations; keeps the metrics of the epochs.
class StopAfter : public TrainingObserver {
 public:
  explicit StopAfter(std::int64_t iterations) : left_(iterations) {}
  void on_progress(const Progress& progress) override {
    if (progress.phase != "partition" && progress.phase != "test") --left_;
  }
  void on_epoch(const EpochMetrics& metrics) override { epochs.push_back(metrics); }
  bool wants_stop() override { return left_ <= 0; }

  std::vector<EpochMetrics> epochs;

 private:
  std::int64_t left_;
};

/// Wants to stop at the n-th report, counted from 1, of what the networks are asked for a division.
class StopInDivision : public TrainingObserver {
 public:
  explicit StopInDivision(int n) : left_(n) {}
  void on_progress(const Progress& progress) override {
    if (progress.phase == "partition") --left_;
  }
  bool wants_stop() override { return left_ == 0; }

 private:
  int left_;
};

class CheckpointTest : public ::testing::Test {
 protected:
  TemporaryFolder folder_;
};

/// Without waiting for the disk, as there are many.
void write_quickly(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

bool same(const Tensor& a, const Tensor& b) {
  const std::size_t bytes = static_cast<std::size_t>(a.numel()) * element_size(a.dtype());
  return a.dtype() == b.dtype() && a.shape() == b.shape() &&
         std::memcmp(a.raw(), b.raw(), bytes) == 0;
}

/// Whether both say the same, to the bit.
bool same(const Checkpoint& a, const Checkpoint& b) {
  return a.position.epoch == b.position.epoch && a.position.network == b.position.network &&
         a.position.iteration == b.position.iteration && a.recipe == b.recipe &&
         a.data_hash == b.data_hash && a.accuracies == b.accuracies && a.loss_sums == b.loss_sums &&
         std::ranges::equal(a.tensors, b.tensors, [](const auto& x, const auto& y) {
           return x.first == y.first && same(x.second, y.second);
         });
}

void expect_same(const Trainer& a, const Trainer& b) {
  ASSERT_EQ(a.num_networks(), b.num_networks());
  const TensorMap all_a = a.checkpoint().tensors;
  const TensorMap all_b = b.checkpoint().tensors;
  ASSERT_EQ(all_a.size(), all_b.size());
  for (const auto& [name, tensor] : all_a) EXPECT_TRUE(same(tensor, all_b.at(name))) << name;
}

void expect_same_metrics(const EpochMetrics& a, const EpochMetrics& b) {
  nlohmann::ordered_json x = to_json(a);
  nlohmann::ordered_json y = to_json(b);
  for (const char* of_the_machine : {"seconds", "images_per_s", "peak_memory_gib"}) {
    x.erase(of_the_machine);
    y.erase(of_the_machine);
  }
  EXPECT_EQ(to_text(x), to_text(y));
}

/// Trains to the end, stopping after every `step` iterations, each time in a new trainer and by way
/// of a file.
void stop_and_go_on(const Recipe& recipe, std::int64_t step, const fs::path& file) {
  const TrainingData data = load_training_data(recipe);
  StopAfter never(1'000'000);
  Trainer whole(recipe, data, never);
  ASSERT_TRUE(whole.run());
  EXPECT_EQ(never.epochs.back().networks.empty(), !divides(recipe));
  for (const NetworkMetrics& network : never.epochs.back().networks) {
    ASSERT_GT(network.selection.n_labelled, 0);
    ASSERT_LT(network.selection.n_labelled, std::ssize(network.clean));
  }

  std::vector<EpochMetrics> epochs;
  std::unique_ptr<Trainer> trainer;
  bool finished = false;
  for (int stops = 0; !finished; ++stops) {
    ASSERT_LT(stops, 200);
    StopAfter observer(step);
    trainer = std::make_unique<Trainer>(recipe, data, observer);
    if (stops > 0) trainer->restore(load_checkpoint(file), file.string());
    finished = trainer->run();
    epochs.insert(epochs.end(), observer.epochs.begin(), observer.epochs.end());
    save_checkpoint(file, trainer->checkpoint());
    if (finished) expect_same(whole, *trainer);
  }
  ASSERT_EQ(epochs.size(), never.epochs.size());
  for (std::size_t i = 0; i < epochs.size(); ++i) expect_same_metrics(never.epochs[i], epochs[i]);
}

TEST_F(CheckpointTest, GoesOnFromEveryIterationToTheSameBits) {
  stop_and_go_on(tiny_recipe(), 1, folder_ / "a");
  stop_and_go_on(tiny_recipe(), 5, folder_ / "b");
}

TEST_F(CheckpointTest, GoesOnFromWithinADivisionToTheSameBits) {
  // Divided anew for the second network, when the first one has been trained already.
  const Recipe recipe = tiny_recipe("unicon");
  ASSERT_EQ(recipe.exchange, Exchange::kJoint);
  const TrainingData data = load_training_data(recipe);
  StopAfter never(1'000'000);
  Trainer whole(recipe, data, never);
  ASSERT_TRUE(whole.run());
  int stops = 0;
  while (true) {
    StopInDivision observer(stops + 1);
    Trainer first(recipe, data, observer);
    if (first.run()) break;
    ++stops;
    save_checkpoint(folder_ / "stopped", first.checkpoint());
    StopAfter rest(1'000'000);
    Trainer second(recipe, data, rest);
    second.restore(load_checkpoint(folder_ / "stopped"), "stopped");
    ASSERT_TRUE(second.run());
    expect_same(whole, second);
    expect_same_metrics(never.epochs.back(), rest.epochs.back());
  }
  EXPECT_GE(stops, 8) << "two epochs, two divisions each, two networks asked for each";
}

TEST_F(CheckpointTest, EveryMethodGoesOnToTheSameBits) {
  for (const BuiltinRecipe& method : builtin_methods()) {
    SCOPED_TRACE(method.name);
    stop_and_go_on(tiny_recipe(method.name), 3, folder_ / method.name);
  }
}

TEST_F(CheckpointTest, GoesOnWithinAnEpochThatDrawsItsSamples) {
  Recipe recipe = tiny_recipe();
  recipe.epoch_size = 60;
  recipe.loss_history = 1;
  stop_and_go_on(recipe, 3, folder_ / "a");
}

TEST_F(CheckpointTest, NoChangedByteGoesUnnoticed) {
  const Recipe recipe = tiny_recipe("ce");
  const TrainingData data = load_training_data(recipe);
  StopAfter observer(3);
  Trainer trainer(recipe, data, observer);
  EXPECT_FALSE(trainer.run());
  const fs::path file = folder_ / "checkpoint";
  const Checkpoint saved = trainer.checkpoint();
  save_checkpoint(file, saved);
  const std::string bytes = read_file(file);
  std::int64_t unnoticed = 0;
  // Every seventh byte of the header, and some of the many elements.
  for (std::size_t i = 0; i < bytes.size(); i += i < 12'000 ? 7 : 4099) {
    std::string changed = bytes;
    changed[i] = static_cast<char>(changed[i] ^ 4);
    write_quickly(file, changed);
    try {
      // Padding of the header may change; what the checkpoint says may not.
      if (!same(load_checkpoint(file), saved)) ++unnoticed;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(file.string()), std::string::npos) << error.what();
    }
  }
  EXPECT_EQ(unnoticed, 0);
  for (const std::size_t length : {std::size_t{0}, std::size_t{7}, bytes.size() / 2}) {
    write_quickly(file, bytes.substr(0, length));
    EXPECT_THROW(load_checkpoint(file), Error);
  }
}

TEST_F(CheckpointTest, RefusesAnotherRunByNamingTheField) {
  const Recipe recipe = tiny_recipe();
  Recipe other = recipe;
  other.out = "elsewhere";
  other.threads = 7;
  other.num_epochs = 50;
  EXPECT_NO_THROW(require_same_run(other, recipe, "RUN"));
  Recipe twice = tiny_recipe("longremix");
  const Recipe longer = twice;
  twice.num_epochs += 2;
  EXPECT_THROW(require_same_run(twice, longer, "RUN"), Error) << "the second run begins elsewhere";
  other.tau = 0.5;
  try {
    require_same_run(other, recipe, "RUN");
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_TRUE(std::string(error.what()).starts_with("tau is 0.5, but the run in RUN has 1.0"))
        << error.what();
  }
}

TEST_F(CheckpointTest, RefusesTensorsThatAreNoCheckpoint) {
  const std::string file = folder_ / "model";
  save_safetensors(file, {{"weight", Tensor::zeros({2})}});
  try {
    load_checkpoint(file);
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()),
              file + " is no checkpoint of bptplr, but some other tensors");
  }
}

TEST_F(CheckpointTest, RefusesOtherLabels) {
  const Recipe recipe = tiny_recipe("ce");
  TrainingData data = load_training_data(recipe);
  StopAfter observer(1);
  Trainer trainer(recipe, data, observer);
  const Checkpoint checkpoint = trainer.checkpoint();
  data.noisy_labels[3] = (data.noisy_labels[3] + 1) % 10;
  Trainer other(recipe, data, observer);
  EXPECT_THROW(other.restore(checkpoint, "RUN"), Error);
}

TEST_F(CheckpointTest, TheNewestWholeOneIsFoundAndOldOnesGo) {
  const CheckpointStore store(folder_ / "checkpoints", 2);
  std::vector<std::string> damaged;
  const auto newest = [&] {
    return store.newest([&](const std::string& why) { damaged.push_back(why); });
  };
  EXPECT_FALSE(newest());
  Checkpoint checkpoint;
  checkpoint.recipe = tiny_recipe("ce");
  for (const double accuracy : {10.0, 30.0, 20.0, 25.0, 15.0}) {
    checkpoint.accuracies.push_back(accuracy);
    ++checkpoint.position.epoch;
    store.save(checkpoint);
  }
  checkpoint.position.iteration = 3;
  store.save(checkpoint);
  // The two newest, and the one after the best epoch.
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder_ / "checkpoints")) {
    names.push_back(entry.path().filename().string());
  }
  std::ranges::sort(names);
  EXPECT_EQ(names, (std::vector<std::string>{"epoch_000002.safetensors", "epoch_000005.safetensors",
                                             "epoch_000005_net1_000003.safetensors"}));
  EXPECT_EQ(newest()->checkpoint.position.iteration, 3);
  EXPECT_TRUE(damaged.empty());
  write_quickly(folder_ / "checkpoints/epoch_000005_net1_000003.safetensors", "cut");
  EXPECT_EQ(newest()->path.filename(), "epoch_000005.safetensors");
  EXPECT_EQ(damaged.size(), 1U);
  // A run that goes on from there must find its own checkpoint next time, though that name is
  // later.
  checkpoint.position.iteration = 2;
  store.save(checkpoint);
  damaged.clear();
  EXPECT_EQ(newest()->path.filename(), "epoch_000005_net1_000002.safetensors");
  EXPECT_TRUE(damaged.empty());
  EXPECT_TRUE(fs::exists(folder_ / "checkpoints/epoch_000005_net1_000003.safetensors.damaged"));
  // For people to look at, not to go on from.
  checkpoint.position.epoch = 9;
  EXPECT_TRUE(fs::exists(store.save_diagnostic(checkpoint)));
  EXPECT_EQ(newest()->path.filename(), "epoch_000005_net1_000002.safetensors");
}

}  // namespace
}  // namespace bptplr
