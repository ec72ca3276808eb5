// `bptplr bench` at a tiny size: tables, JSON, several ranks, and what it refuses.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "engine/io/json.hpp"
#include "tests/apps/run_app.hpp"

namespace bptplr {
namespace {

using Json = nlohmann::json;

const std::string kTiny =
    "bench --blocks 1,1,1,1 --image_size 8 --batch_size 4 --images 200 --iterations 1 "
    "--device cpu --threads 1 ";

double sum_of_seconds(const Json& shares) {
  double sum = 0.0;
  for (const Json& share : shares) sum += share.at("seconds").get<double>();
  return sum;
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

TEST(AppBench, PrintsTablesOfPhasesAndFamilies) {
  const TemporaryFolder folder;
  const AppResult result = run_app(folder, kTiny + "--width 4");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.err, "");
  for (const char* word :
       {"network    preact_resnet, width 4, blocks 1,1,1,1, 8 x 8 pixels, 10 classes",
        "device     cpu, 1 threads, float32", "GFLOP/s in a matrix product", "GB/s in a copy",
        "epoch      200 images, 102 iterations", "\nphase ", "\nfamily ", "\ntargets ",
        "\nsample losses ", "\nconv2d backward weights ", "\nbatch_norm backward ", "\ntotal "}) {
    EXPECT_TRUE(contains(result.out, word)) << word << "\n" << result.out;
  }
  EXPECT_FALSE(contains(result.out, "as a graph"));
  std::istringstream last(result.out.substr(result.out.rfind("\niteration_s ") + 1));
  std::string name;
  for (const char* expected : {"iteration_s", "images_per_s", "epoch_s", "peak_gib"}) {
    double value = 0.0;
    last >> name >> value;
    EXPECT_EQ(name, expected);
    EXPECT_GT(value, 0.0) << name;
  }
}

TEST(AppBench, JsonHoldsTheSame) {
  const TemporaryFolder folder;
  const AppResult result = run_app(folder, kTiny + "--width 4 --num_class 100 --json");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(count(result.out, "\n"), 1U);
  const Json json = parse_json(result.out);
  EXPECT_EQ(json.at("num_class"), 100);
  EXPECT_EQ(json.at("iterations"), 1);
  EXPECT_GT(json.at("peaks").at("gflop_per_s"), 0.0);
  EXPECT_GT(json.at("peaks").at("gb_per_s"), 0.0);
  EXPECT_TRUE(json.at("iteration").at("graph_seconds").is_null());
  const double seconds = json.at("iteration").at("seconds");
  EXPECT_NEAR(json.at("iteration").at("images_per_s").get<double>(), 8.0 / seconds, 1e-6 / seconds);
  const double epoch = json.at("epoch").at("seconds");
  EXPECT_NEAR(sum_of_seconds(json.at("phases")), epoch, 1e-6 * epoch);
  EXPECT_NEAR(sum_of_seconds(json.at("families")), epoch, 1e-6 * epoch);
  EXPECT_EQ(json.at("steps").size(), 4U);
  EXPECT_TRUE(json.at("steps").back().at("paths").contains("training iteration/forward/conv2d"));
}

TEST(AppBench, ScalingPrintsALineForEachSize) {
  const TemporaryFolder folder;
  const AppResult table = run_app(folder, kTiny + "--scaling width");
  ASSERT_EQ(table.exit_code, 0) << table.err;
  for (const char* begin : {"width ", "\n16 ", "\n32 ", "\n64 "}) {
    EXPECT_TRUE(contains(table.out, begin)) << begin << table.out;
  }
  const AppResult lines =
      run_app(folder, kTiny + "--images 4000 --width 4 --scaling classes --json");
  ASSERT_EQ(lines.exit_code, 0) << lines.err;
  std::istringstream stream(lines.out);
  std::vector<int> classes;
  for (std::string line; std::getline(stream, line);) {
    const Json json = parse_json(line);
    EXPECT_EQ(json.at("scaling"), "classes");
    EXPECT_EQ(json.at("value"), json.at("num_class"));
    EXPECT_EQ(json.at("width"), 4);
    classes.push_back(json.at("value"));
  }
  EXPECT_EQ(classes, (std::vector<int>{10, 100, 1000}));
}

/// Runs `bptplr ARGUMENTS` as so many processes of MPI.
AppResult run_ranks([[maybe_unused]] const TemporaryFolder& folder, [[maybe_unused]] int ranks,
                    [[maybe_unused]] const std::string& arguments) {
#ifdef BPTPLR_MPIRUN
  // Open MPI refuses root, and more ranks than processors, unless told that both are meant.
  return run_launched(folder,
                      "TMPDIR=" + folder.path().string() +
                          " OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 "
                          "OMPI_MCA_rmaps_base_oversubscribe=1 "
                          "OMPI_MCA_hwloc_base_binding_policy=none " BPTPLR_MPIRUN " " +
                          std::to_string(ranks),
                      arguments);
#else
  return {};
#endif
}

class AppBenchRanks : public testing::Test {
 protected:
  void SetUp() override {
#ifndef BPTPLR_MPIRUN
    GTEST_SKIP() << "built without MPI";
#endif
  }

  const std::string arguments_ =
      "bench --ranks --blocks 1,1,1,1 --image_size 8 --batch_size 8 --images 200 "
      "--iterations 2 --device cpu --threads 1 --width ";
  TemporaryFolder folder_;
};

TEST_F(AppBenchRanks, MeasuresWhatTwoExchange) {
  // Wide enough for what pads the gradients of small tensors to be less than a hundredth.
  const AppResult result = run_ranks(folder_, 2, arguments_ + "16 --json");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(count(result.out, "\n"), 1U) << "the other rank is silent";
  const Json json = parse_json(result.out);
  EXPECT_EQ(json.at("ranks"), 2);
  for (const char* kind : {"gathered", "summed", "total"}) {
    EXPECT_GT(json.at(kind).at("bytes"), 0.0) << kind;
    EXPECT_NEAR(json.at(kind).at("ratio").get<double>(), 1.0, 0.01) << kind;
  }
  const Json& iteration = json.at("iteration");
  for (const char* part : {"computing", "communicating", "waiting"}) {
    const Json& seconds = iteration.at(part);
    EXPECT_GT(seconds.at("least"), 0.0) << part;
    EXPECT_LE(seconds.at("least"), seconds.at("mean")) << part;
    EXPECT_LE(seconds.at("mean"), seconds.at("most")) << part;
  }
  EXPECT_GT(iteration.at("seconds"), 0.0);
}

TEST_F(AppBenchRanks, StatisticsOfEachRankSpareMessages) {
  const auto measured = [&](const std::string& more) {
    const AppResult result = run_ranks(folder_, 2, arguments_ + "4 --json " + more);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return parse_json(result.out);
  };
  const Json all = measured("");
  const Json own = measured("--sync_batch_norm false");
  constexpr double kLayers = 9;  // two in each of the four blocks, and the last one
  EXPECT_NEAR(all.at("iteration").at("messages").get<double>() -
                  own.at("iteration").at("messages").get<double>(),
              3.0 * kLayers, 1e-9);
  EXPECT_NEAR(own.at("gathered").at("ratio").get<double>(), 1.0, 1e-9);
}

TEST_F(AppBenchRanks, PrintsTablesOnce) {
  const AppResult result = run_ranks(folder_, 2, arguments_ + "4");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  for (const char* word :
       {"device     2 ranks, each cpu, 1 threads, float32", "iteration  batch 8: ", "\ncomputing ",
        "\ncommunicating ", "\nwaiting ", "\ngathered ", "\nsummed "}) {
    EXPECT_EQ(count(result.out, word), 1U) << word << "\n" << result.out;
  }
  EXPECT_EQ(count(result.out, "\nranks 2 iteration_s "), 1U) << result.out;
}

TEST_F(AppBenchRanks, SeveralProcessesThatDoNotShareAreRefused) {
  const AppResult result = run_ranks(folder_, 2, "bench --images 200");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_TRUE(contains(result.err, "share out the iterations with --ranks")) << result.err;
  EXPECT_EQ(result.out, "");
}

TEST(AppBench, OneProcessIsARankThatExchangesNothing) {
  const TemporaryFolder folder;
  const AppResult result = run_app(folder, kTiny + "--ranks --width 4");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(contains(result.out, "mpirun -n 4 bptplr bench --ranks")) << result.out;
  EXPECT_TRUE(contains(result.out, " gathered 0 summed 0 ratio ")) << result.out;
}

TEST(AppBench, HelpDocumentsEveryOptionOnce) {
  const TemporaryFolder folder;
  const AppResult result = run_app(folder, "bench --help");
  EXPECT_EQ(result.exit_code, 0);
  for (const char* flag : {"arch", "width", "blocks", "batch_size", "num_class", "images",
                           "image_size", "device", "precision", "deterministic", "threads",
                           "iterations", "warmup", "scaling", "ranks", "sync_batch_norm", "json"}) {
    EXPECT_EQ(count(result.out, std::string("\n  --") + flag + " "), 1U) << flag << result.out;
  }
}

TEST(AppBench, WrongUsageEndsWithTwo) {
  const TemporaryFolder folder;
  for (const char* arguments :
       {"bench --scaling depth", "bench --images many", "bench --arch lenet", "bench --lr 0.1",
        "bench extra", "bench --ranks --scaling width"}) {
    const AppResult result = run_app(folder, arguments);
    EXPECT_EQ(result.exit_code, 2) << arguments;
    EXPECT_TRUE(contains(result.err, "bptplr bench --help")) << result.err;
  }
}

TEST(AppBench, SizesOutOfRangeEndWithOneAndASentence) {
  const TemporaryFolder folder;
  for (const auto& [arguments, sentence] :
       {std::pair{"--images 10", "--images is 10, but must lie in [100, 10000000]"},
        std::pair{"--num_class 5000", "--num_class is 5000, but must lie in [0, 1024]"},
        std::pair{"--width 0", "width is 0, but must lie in [1, 1024]"},
        std::pair{"--iterations -1", "--iterations is -1, but must lie in [0, 10000]"}}) {
    const AppResult result = run_app(folder, std::string("bench ") + arguments);
    EXPECT_EQ(result.exit_code, 1) << arguments;
    EXPECT_TRUE(result.err.starts_with(std::string("bptplr: error: ") + sentence)) << result.err;
    EXPECT_EQ(count(result.err, "\n"), 1U) << result.err;
    EXPECT_EQ(result.out, "");
  }
}

}  // namespace
}  // namespace bptplr
