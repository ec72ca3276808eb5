// What the commands do when all is well.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "bpt_plr/recipe/builtin.hpp"
#include "bpt_plr/recipe/fields.hpp"
#include "bpt_plr/recipe/recipe.hpp"
#include "engine/io/json.hpp"
#include "tests/apps/run_app.hpp"

namespace bptplr {
namespace {

using Json = nlohmann::json;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

/// Trains into `folder`/`out` and expects success.
AppResult train(const TemporaryFolder& folder, const std::string& flags, const std::string& out) {
  AppResult result = run_app(folder, "train " + kSmall + flags + " --out " + out);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  return result;
}

void expect_same_bytes(const std::string& a, const std::string& b) {
  const std::string bytes = read_text(a);
  EXPECT_FALSE(bytes.empty()) << a;
  EXPECT_TRUE(bytes == read_text(b)) << a << " and " << b << " differ";
}

TEST(AppCommands, HelpListsEveryField) {
  const TemporaryFolder folder;
  const AppResult result = run_app(folder, "train --help");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.err, "");
  // In lines of 80 columns, whose breaks are no difference.
  const std::string unbroken = std::regex_replace(result.out, std::regex("\\n +"), " ");
  for (const RecipeField& field : recipe_fields()) {
    EXPECT_TRUE(contains(result.out, std::string("--") + field.name)) << field.name;
    EXPECT_TRUE(contains(unbroken, field.help)) << field.name;
  }
  EXPECT_TRUE(contains(result.out, "--recipe"));
  EXPECT_TRUE(contains(result.out, "--learning_rate"));
  EXPECT_TRUE(contains(run_app(folder, "--help").out, "train"));
}

TEST(AppCommands, VersionAndInfo) {
  const TemporaryFolder folder;
  EXPECT_TRUE(run_app(folder, "--version").out.starts_with("bptplr 0."));
  EXPECT_EQ(run_app(folder, "-V").out, run_app(folder, "--version").out);
  EXPECT_TRUE(contains(run_app(folder, "info").out, "cifar10-sym50"));
  const AppResult result = run_app(folder, "info --json");
  EXPECT_EQ(result.exit_code, 0);
  const Json info = parse_json(result.out);
  for (const char* key : {"version", "build_type", "compiler", "onednn", "mpi", "nccl", "cuda",
                          "devices", "threads", "recipes"}) {
    EXPECT_TRUE(info.contains(key)) << key;
  }
  EXPECT_EQ(info["recipes"].size(), builtin_recipes().size());
}

void expect_network_metrics(const Json& network) {
  EXPECT_GE(network.at("n_labelled").get<int>(), 0);
  for (const char* key : {"precision", "recall", "auc"}) EXPECT_TRUE(network.contains(key)) << key;
  EXPECT_EQ(network.at("gmm").at("means").size(), 2U);
  EXPECT_EQ(network.at("gmm").at("means")[0].size(), 2U);
  EXPECT_EQ(network.at("gmm").at("weights").size(), 2U);
  EXPECT_EQ(network.at("gmm").at("covariances")[0].size(), 2U);
  EXPECT_EQ(network.at("labelled_per_class").size(), 10U);
}

TEST(AppCommands, BptPlrWritesWhatIsPromised) {
  const TemporaryFolder folder;
  const AppResult result = train(folder, "--r 0.4 --lr 0.03", "run");
  EXPECT_FALSE(contains(result.out, "\033")) << "escape codes off a terminal";
  const std::vector<std::string> output = lines_of(result.out);
  ASSERT_FALSE(output.empty());
  EXPECT_TRUE(output.back().starts_with("best_acc "));
  EXPECT_TRUE(contains(output.back(), " mean_last10 "));
  EXPECT_TRUE(contains(output.back(), " auc "));
  EXPECT_TRUE(output.back().ends_with(" out run"));

  const Json config = parse_json(read_text(folder / "run/config.json"));
  EXPECT_EQ(config.size(), recipe_fields().size());
  EXPECT_EQ(config["lr"], 0.03);
  EXPECT_EQ(config["lr_period"], 2);  // resolved
  EXPECT_EQ(parse_json(read_text(folder / "run/noise.json")).size(), 200U);

  const std::vector<std::string> metrics = lines_of(read_text(folder / "run/metrics.jsonl"));
  ASSERT_EQ(metrics.size(), 2U);
  for (std::size_t i = 0; i < metrics.size(); ++i) {
    const Json epoch = parse_json(metrics[i]);
    EXPECT_EQ(epoch["epoch"], i);
    EXPECT_EQ(epoch["phase"], i == 0 ? "warm_up" : "bptplr");
    for (const char* key : {"lr", "loss", "test_acc", "best_acc", "mean_last10", "networks",
                            "seconds", "images_per_s", "peak_memory_gib"}) {
      EXPECT_TRUE(epoch.contains(key)) << key;
    }
    EXPECT_EQ(epoch["networks"].size(), i == 0 ? 0U : 2U);
    for (const Json& network : epoch["networks"]) expect_network_metrics(network);
  }
  EXPECT_TRUE(parse_json(metrics[1]).contains("loss_x"));
  EXPECT_TRUE(parse_json(metrics[1])["seconds"].contains("partition"));

  const std::vector<std::string> selection = lines_of(read_text(folder / "run/selection.jsonl"));
  ASSERT_EQ(selection.size(), 1U) << "a line for each epoch that partitions";
  const Json points = parse_json(selection[0]);
  EXPECT_EQ(points["epoch"], 1);
  EXPECT_EQ(points["samples"].size(), 200U);
  for (const Json& network : points["networks"]) {
    for (const char* key : {"classifier", "prototype", "clean"}) {
      EXPECT_EQ(network[key].size(), 200U) << key;
    }
  }

  const AppResult eval = run_app(folder, "eval run --json");
  EXPECT_EQ(eval.exit_code, 0) << eval.err;
  const Json accuracy = parse_json(eval.out);
  EXPECT_EQ(accuracy["networks"].size(), 2U);
  EXPECT_EQ(accuracy["together"], parse_json(metrics[1])["test_acc"]);
  const std::string text = run_app(folder, "eval run").out;
  EXPECT_TRUE(contains(text, "network 2")) << text;
  EXPECT_TRUE(contains(text, "\ntest_acc ")) << text;
}

TEST(AppCommands, CrossEntropyHasOneNetwork) {
  const TemporaryFolder folder;
  const AppResult result = train(folder, "--method ce", "run");
  EXPECT_FALSE(contains(lines_of(result.out).back(), " auc "));
  const std::vector<std::string> metrics = lines_of(read_text(folder / "run/metrics.jsonl"));
  ASSERT_EQ(metrics.size(), 2U);
  EXPECT_EQ(parse_json(metrics[1])["phase"], "ce");
  EXPECT_TRUE(parse_json(metrics[1])["networks"].empty());
  EXPECT_NE(read_text(folder / "run/model1.safetensors"), "");
  EXPECT_EQ(read_text(folder / "run/model2.safetensors"), "");
  EXPECT_EQ(parse_json(run_app(folder, "eval run --json").out)["networks"].size(), 1U);
}

TEST(AppCommands, NetworksMaySeeCropsOfTheImages) {
  const TemporaryFolder folder;
  train(folder, "--method ce --crop 24 --crop_padding 0", "run");
  const std::vector<std::string> metrics = lines_of(read_text(folder / "run/metrics.jsonl"));
  ASSERT_EQ(metrics.size(), 2U);
  const Json accuracy = parse_json(run_app(folder, "eval run --json").out);
  EXPECT_EQ(accuracy["together"], parse_json(metrics[1])["test_acc"]);
  EXPECT_EQ(parse_json(read_text(folder / "run/config.json"))["crop"], 24);
}

TEST(AppCommands, SameSeedSameNetworksForAnyNumberOfThreads) {
  const TemporaryFolder folder;
  train(folder, "--threads 2", "a");
  train(folder, "--threads 2", "b");
  train(folder, "--threads 1", "c");
  train(folder, "--threads 2 --seed 4", "d");
  train(folder, "--deterministic true", "e");
  for (const char* model : {"/model1.safetensors", "/model2.safetensors"}) {
    expect_same_bytes(folder / "a" + model, folder / "b" + model);
    expect_same_bytes(folder / "a" + model, folder / "c" + model);
    expect_same_bytes(folder / "a" + model, folder / "e" + model);
    EXPECT_FALSE(read_text(folder / "a" + model) == read_text(folder / "d" + model));
  }
}

TEST(AppCommands, AnotherNetworkStartsFromPretrainedWeights) {
  const TemporaryFolder folder;
  const AppResult result =
      train(folder, "--arch resnet50 --width 2 --pretrained " BPTPLR_GOLDEN_DIR "/pth/backbone.pth",
            "run");
  EXPECT_TRUE(contains(result.out, "network   resnet50, width 2, blocks 1,1,1,1:")) << result.out;
  EXPECT_TRUE(contains(result.out,
                       "backbone.pth: 85 of 92 tensors taken, of another shape: "
                       "fc.weight, fc.bias"))
      << result.out;
  const AppResult eval = run_app(folder, "eval run --json");
  EXPECT_EQ(eval.exit_code, 0) << eval.err;
  EXPECT_EQ(parse_json(eval.out)["together"],
            parse_json(lines_of(read_text(folder / "run/metrics.jsonl")).back())["test_acc"]);
}

TEST(AppCommands, AnOldRunsConfigAndNoiseRepeatIt) {
  const TemporaryFolder folder;
  train(folder, "--r 0.3 --subset 150", "first");
  const AppResult again = run_app(
      folder, "train --recipe first/config.json --noise_file first/noise.json --out second");
  EXPECT_EQ(again.exit_code, 0) << again.err;
  expect_same_bytes(folder / "first/model1.safetensors", folder / "second/model1.safetensors");
  expect_same_bytes(folder / "first/noise.json", folder / "second/noise.json");
}

TEST(AppCommands, TheDefaultFolderIsNamedAfterTheRun) {
  const TemporaryFolder folder;
  const std::string command = "train " + kSmall + "--method ce --r 0.25 --seed 7 --num_epochs 1";
  for (const std::string suffix : {"", "_2", "_3"}) {
    EXPECT_EQ(run_app(folder, command).exit_code, 0);
    EXPECT_NE(read_text(folder / "runs/shapes_ce_sym25_seed7" + suffix + "/config.json"), "");
  }
}

TEST(AppCommands, ThePublishedCommandIsUnderstood) {
  const TemporaryFolder folder;
  const AppResult result =
      run_app(folder,
              "train --r 0.4 --noise_mode 'asym' --lambda_u 30 "
              "--data_path './data/cifar10/cifar-10-batches-py' --dataset 'cifar10' "
              "--num_class 10");
  // It parses; only the data is not here.
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_TRUE(contains(result.err, "cifar-10-batches-py")) << result.err;
}

}  // namespace
}  // namespace bptplr
