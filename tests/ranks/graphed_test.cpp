// Ranks with a GPU each train what one process trains, by iterations that are recorded and
// replayed: compiled against the host executor, whose processes stand in for NCCL's.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "bpt_plr/recipe/resolve.hpp"
#include "bpt_plr/train/trainer.hpp"
#include "bpt_plr/train/training_data.hpp"
#include "tests/bpt_plr/small_recipe.hpp"
#include "tests/golden.hpp"
#include "tests/ranks/ranks.hpp"
#include "tests/simt/executor.hpp"

namespace bptplr {
namespace {

/// Keeps losses and warnings.
class Listener : public TrainingObserver {
 public:
  void on_progress(const Progress& progress) override {
    if (!progress.losses.empty()) losses.push_back(progress.losses);
  }
  void on_warning(const std::string& sentence) override { warnings.push_back(sentence); }

  std::vector<LossTerms> losses;
  std::vector<std::string> warnings;
};

struct Trained {
  Listener listener;
  Checkpoint end;
  Traffic traffic;
};

Trained train(const Recipe& recipe, const TrainingData& data, Communicator& group) {
  group.reset_traffic(false);
  Trained trained;
  Trainer trainer(recipe, data, trained.listener, group);
  trainer.run();
  trained.end = trainer.checkpoint();
  trained.traffic = group.traffic();
  return trained;
}

/// An epoch of warm-up and a divided one, without dropout, of several iterations of each network:
/// the first one is run, the second recorded, and the others are replayed, but for a smaller last
/// batch.
Recipe gpu_recipe(bool records) {
  Recipe recipe = small_recipe("bptplr");
  recipe.device = DeviceChoice::kCuda;
  recipe.cuda_graph = records;
  recipe.shapes_train = 28;
  recipe.shapes_test = 4;
  recipe.batch_size = 8;
  recipe.num_epochs = 2;
  recipe.lr = 0.0002;
  recipe.seed = 1;
  resolve(recipe);
  return recipe;
}

void expect_same(const Trained& alone, const Trained& together) {
  constexpr double kTolerance = 1e-3;
  ASSERT_EQ(alone.listener.losses.size(), together.listener.losses.size());
  for (std::size_t i = 0; i < alone.listener.losses.size(); ++i) {
    for (const auto& [name, value] : alone.listener.losses[i]) {
      EXPECT_NEAR(together.listener.losses[i].at(name), value,
                  kTolerance * std::max(std::abs(value), 1e-2))
          << name << ", iteration " << i;
    }
  }
  for (const auto& [name, tensor] : alone.end.tensors) {
    if (tensor.dtype() != DType::kFloat32) continue;
    EXPECT_LT(relative_error(together.end.tensors.at(name), tensor), kTolerance) << name;
  }
  EXPECT_EQ(alone.listener.warnings, together.listener.warnings);
}

/// Recorded, with the sums beside as late as may be; and not recorded, with those at once.
TEST(RanksGraphed, TrainWhatOneTrainsAndCountWhatTheySend) {
  const Recipe recipe = gpu_recipe(true);
  const TrainingData data = load_training_data(recipe);
  std::optional<Trained> alone;
  if (ranks().is_first()) alone = train(recipe, data, Communicator::alone());
  ranks().barrier();
  const Trained recorded = train(recipe, data, ranks());
  simt::set_schedule(simt::Schedule::kDescending);
  const Trained called = train(gpu_recipe(false), data, ranks());
  simt::set_schedule(simt::Schedule::kAscending);
  for (const std::string& warning : recorded.listener.warnings) {
    EXPECT_EQ(warning.find("record"), std::string::npos) << warning;
  }
  EXPECT_EQ(recorded.traffic.calls, called.traffic.calls);
  EXPECT_DOUBLE_EQ(recorded.traffic.summed, called.traffic.summed);
  EXPECT_DOUBLE_EQ(recorded.traffic.gathered, called.traffic.gathered);
  if (!alone) return;
  EXPECT_GE(alone->listener.losses.size(), 12U);
  expect_same(*alone, recorded);
  expect_same(*alone, called);
}

}  // namespace
}  // namespace bptplr
