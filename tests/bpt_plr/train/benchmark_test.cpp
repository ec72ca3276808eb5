// The benchmark of an epoch at a tiny size, on the CPU and (in test_cuda) on the other device: all
// of the time is somewhere, and the work is that of the shapes.
#include "bpt_plr/train/benchmark/benchmark.hpp"

#include <gtest/gtest.h>

#include <string>

#include "engine/error.hpp"
#include "engine/memory.hpp"
#include "tests/device.hpp"

namespace bptplr {
namespace {

constexpr Peaks kPeaks{1e9, 1e9};
/// Of the convolutions of kTiny's network for one image: the stem, 8 x 8 pixels of 4 channels; two
/// convolutions at the same size; then three times, with half the sides and twice the channels, two
/// convolutions and a shortcut.
constexpr double kStem = 2.0 * 64 * 4 * 27;
constexpr double kPerImage =
    kStem + 2 * (2.0 * 64 * 4 * 36) + 3 * 2.0 * (128 * 36 + 128 * 72 + 512);

BenchmarkOptions tiny() {
  BenchmarkOptions options;
  options.recipe.width = 4;
  options.recipe.blocks = "1,1,1,1";
  options.recipe.batch_size = 4;
  options.recipe.low_dim = 8;
  options.recipe.image_size = 8;
  options.recipe.num_class = 3;
  options.recipe.device =
      test_device().type == DeviceType::kCpu ? DeviceChoice::kCpu : DeviceChoice::kCuda;
  options.images = 100;
  options.iterations = 2;
  options.warmup = 1;
  options.pool = 5;
  options.resolve();
  return options;
}

const std::map<std::string, PathTime>& paths_of(const BenchmarkResult& result,
                                                const std::string& step) {
  for (const MeasuredStep& measured : result.steps) {
    if (measured.name == step) return measured.paths;
  }
  throw Error("there is no step {}", step);
}

double sum_of_seconds(const TimeShares& shares) {
  double sum = 0.0;
  for (const auto& [name, share] : shares) sum += share.seconds;
  return sum;
}

TEST(Benchmark, AllTimeOfAnEpochIsInAPhaseAndInAFamily) {
  const BenchmarkResult result = run_benchmark(tiny(), kPeaks);
  EXPECT_EQ(result.iterations_per_epoch, 2 * (100 / 4 + 1));
  EXPECT_GT(result.iteration_seconds, 0.0);
  for (const char* phase :
       {"inputs", "views", "class sets", "targets", "mixup", "forward", "losses", "contrastive",
        "backward", "sgd", "evaluate", "sample losses", "gmm", "partition", "prototypes", "test"}) {
    ASSERT_TRUE(result.phases.contains(phase)) << phase;
    EXPECT_GT(result.phases.at(phase).calls, 0) << phase;
  }
  for (const char* family : {"conv2d", "conv2d with statistics", "conv2d with batch_norm",
                             "conv2d backward data", "conv2d backward weights", "batch_norm",
                             "batch_norm backward", "linear", "pool", "elementwise"}) {
    EXPECT_TRUE(result.families.contains(family)) << family;
  }
  const double tolerance = 1e-9 * result.epoch.seconds;
  EXPECT_NEAR(sum_of_seconds(result.phases), result.epoch.seconds, tolerance);
  EXPECT_NEAR(sum_of_seconds(result.families), result.epoch.seconds, tolerance);
  EXPECT_LT(result.phases.at("other").seconds, 0.5 * result.epoch.seconds);
}

TEST(Benchmark, CountsTheConvolutionsOfAnIteration) {
  const BenchmarkResult result = run_benchmark(tiny(), kPeaks);
  const std::map<std::string, PathTime> paths = paths_of(result, "iteration");
  const auto operations = [&](const std::string& path) {
    return paths.at("training iteration/" + path).work.operations / 2.0;  // iterations
  };
  const auto convolutions = [&](const std::string& phase) {
    double sum = 0.0;
    for (const char* name : {"/conv2d", "/conv2d with statistics", "/conv2d with batch_norm"}) {
      if (paths.contains("training iteration/" + phase + name)) sum += operations(phase + name);
    }
    return sum;
  };
  EXPECT_EQ(convolutions("forward"), 32 * kPerImage);
  EXPECT_EQ(convolutions("targets"), 24 * kPerImage);
  EXPECT_EQ(operations("backward/conv2d backward weights"), 32 * kPerImage);
  EXPECT_EQ(operations("backward/conv2d backward data"), 32 * (kPerImage - kStem));
  // 16 anchors of 8 values, against each other twice.
  EXPECT_EQ(operations("contrastive/contrastive loss"), 2 * 2.0 * 16 * 16 * 8);
  EXPECT_GE(result.iteration.work.operations, (24 + 3 * 32) * kPerImage - 32 * kStem);
}

TEST(Benchmark, CountsAStepAsOftenAsAnEpochTakesIt) {
  const BenchmarkResult result = run_benchmark(tiny(), kPeaks);
  for (const MeasuredStep& step : result.steps) {
    const double expected = step.name == "partition"    ? 1.0
                            : step.name == "evaluation" ? 2.0 * 100 / 5
                            : step.name == "test"       ? 100.0 / 5 / 5
                                                        : 52.0 / 2;
    EXPECT_DOUBLE_EQ(step.per_epoch, expected) << step.name;
  }
  const PathTime forward = paths_of(result, "iteration").at("training iteration/forward");
  EXPECT_LE(forward.own_seconds, forward.seconds);
  EXPECT_GE(result.phases.at("forward").seconds * (1 + 1e-9), 26.0 * forward.seconds);
}

TEST(Benchmark, TimesAReplayedGraphWhereThereIsOne) {
  const BenchmarkResult result = run_benchmark(tiny(), kPeaks);
  EXPECT_EQ(result.graph_seconds.has_value(), test_device().type == DeviceType::kCuda);
}

TEST(Benchmark, RefusesSizesThatCannotBe) {
  const auto sentence_of = [](auto change) {
    BenchmarkOptions options = tiny();
    change(options);
    try {
      options.resolve();
      run_benchmark(options, kPeaks);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("none");
  };
  EXPECT_EQ(sentence_of([](auto& o) { o.images = 99; }),
            "--images is 99, but must lie in [100, 10000000]");
  EXPECT_EQ(sentence_of([](auto& o) { o.recipe.num_class = 1025; }),
            "--num_class is 1025, but must lie in [0, 1024]");
  EXPECT_TRUE(sentence_of([](auto& o) {
                o.recipe.batch_size = 90;
              }).ends_with("use a larger --images or a smaller --batch_size"));
}

TEST(Benchmark, SaysWhatDoesNotFitBeforeItTries) {
  BenchmarkOptions options = tiny();
  options.images = 10'000'000;
  options.recipe.num_class = 1024;
  options.recipe.low_dim = 65536;
  options.resolve();
  EXPECT_EQ(outputs_bytes(options), 2LL * 10'000'000 * (2 * 1024 + 65536) * 4);  // 5 TB
  EXPECT_THROW(run_benchmark(options, kPeaks), OutOfMemory);
}

}  // namespace
}  // namespace bptplr
