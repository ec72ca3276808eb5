// A run that an earlier version of the program left within an epoch (tests/golden/run_format1): its
// words are read, and training goes on from its checkpoint.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

#include "bpt_plr/recipe/json.hpp"
#include "bpt_plr/recipe/resolve.hpp"
#include "bpt_plr/run/run_folder.hpp"
#include "bpt_plr/train/trainer.hpp"
#include "engine/io/file.hpp"
#include "engine/io/json.hpp"
#include "tests/temporary_folder.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

/// Keeps the metrics of the first epoch that ends, and stops there.
class OneEpoch : public TrainingObserver {
 public:
  void on_epoch(const EpochMetrics& metrics) override { epochs.push_back(metrics); }
  bool wants_stop() override { return !epochs.empty(); }

  std::vector<EpochMetrics> epochs;
};

class OldRun : public ::testing::Test {
 protected:
  OldRun() {
    fs::copy(fs::path(BPTPLR_GOLDEN_DIR) / "run_format1", path_, fs::copy_options::recursive);
  }

  TemporaryFolder folder_;
  fs::path path_ = folder_ / "run";
};

TEST_F(OldRun, EveryWordOfItsConfigIsReadAndWrittenUnchanged) {
  const Recipe recipe = RunFolder::open(path_).read_config();
  auto written = to_json(recipe);
  const auto defaults = to_json(Recipe{});
  for (const char* later :
       {"deterministic", "pool_side", "cache_limit", "log_format", "quiet", "labels",
        "test_features", "test_labels", "weak_drop", "weak_noise", "strong_drop", "strong_noise",
        "feature_dim", "depth", "dropout", "sync_batch_norm"}) {  // fields that there were not
    EXPECT_EQ(written[later], defaults[later]) << later;
    written.erase(later);
  }
  EXPECT_EQ(written["exif"], "false") << "what that version did";
  written.erase("exif");
  EXPECT_EQ(to_text(written, 2) + "\n", read_file(path_ / "config.json"));
  Recipe resolved = recipe;
  resolve(resolved);
  EXPECT_EQ(resolved, recipe) << "it was resolved before it was written";
}

TEST_F(OldRun, GoesOnFromItsCheckpointToTheEndOfTheEpoch) {
  const RunFolder run = RunFolder::resume(path_);
  Recipe recipe = run.read_config();
  resolve(recipe);
  const auto found = run.checkpoints(recipe.keep_checkpoints).newest([](const std::string& why) {
    ADD_FAILURE() << why;
  });
  ASSERT_TRUE(found.has_value());
  const Position& position = found->checkpoint.position;
  ASSERT_TRUE(position.within_epoch());
  EXPECT_EQ(position.epoch, std::ssize(run.read_metrics()));
  EXPECT_EQ(found->checkpoint.recipe, recipe);

  const TrainingData data = reload_training_data(recipe, run.noise_file());
  EXPECT_EQ(hash_training_data(data, found->checkpoint.format), found->checkpoint.data_hash);
  OneEpoch observer;
  Trainer trainer(recipe, data, observer);
  trainer.restore(found->checkpoint, found->path.string());
  EXPECT_FALSE(trainer.run()) << "it stops after the epoch";
  ASSERT_EQ(observer.epochs.size(), 1U);
  const EpochMetrics& metrics = observer.epochs.front();
  EXPECT_EQ(metrics.epoch, position.epoch);
  EXPECT_EQ(metrics.phase, "bptplr");
  for (const auto& [name, value] : metrics.losses) EXPECT_TRUE(std::isfinite(value)) << name;
  EXPECT_EQ(trainer.checkpoint().position.epoch, position.epoch + 1);
}

}  // namespace
}  // namespace bptplr
