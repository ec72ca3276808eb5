// Features from the command line: computed, trained on, audited, and a data set cleaned by them.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "data/csv.hpp"
#include "engine/io/json.hpp"
#include "engine/random.hpp"
#include "tests/apps/run_app.hpp"
#include "tests/data/sets/image_sets.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr int kDim = 6;

/// Writes X.npy of `count` vectors around three centres and X.csv, every seventh label of which is
/// wrong.
void write_features(const TemporaryFolder& folder, int count) {
  Philox random(1, Purpose::kTest);
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" +
                       std::to_string(count) + ", " + std::to_string(kDim) + "), }";
  header.resize(117, ' ');
  std::string bytes("\x93NUMPY\x01\x00\x76\x00", 10);
  bytes += header + "\n";
  std::string table = "label,true_label\n";
  const char* names[] = {"ant", "bee", "cat"};
  for (int i = 0; i < count; ++i) {
    for (int d = 0; d < kDim; ++d) {
      const auto value = static_cast<float>(random.normal() + (d % 3 == i % 3 ? 4.0 : 0.0));
      bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
    }
    table += std::string(names[(i + (i % 7 == 0 ? 1 : 0)) % 3]) + "," + names[i % 3] + "\n";
  }
  write_text(folder / "X.npy", bytes);
  write_text(folder / "X.csv", table);
}

const std::string kTiny = " --num_epochs 6 --batch_size 32 ";

double value_after(const std::string& text, const std::string& name) {
  const std::size_t at = text.rfind(" " + name + " ");
  return at == std::string::npos ? -1.0 : std::stod(text.substr(at + name.size() + 2));
}

TEST(AppFeatures, CleanWritesEverythingInOneCommand) {
  const TemporaryFolder folder;
  write_features(folder, 210);
  const AppResult result = run_app(folder, "clean X.npy --out done --folds 3" + kTiny);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(contains(result.out, "Networks are trained on 6 features of 210 samples"));
  EXPECT_TRUE(contains(result.out, "Of 210 labels about ")) << result.out;
  EXPECT_TRUE(contains(result.out, "next: bptplr train --recipe features"));
  EXPECT_GT(value_after(result.out, "auc"), 0.95) << result.out;
  for (const char* name : {"suspects.csv", "issues.csv", "audit.json", "labels.json", "review.html",
                           "report.html", "run/config.json"}) {
    EXPECT_TRUE(fs::exists(folder / ("done/" + std::string(name)))) << name;
  }
  const auto issues = parse_csv(read_text(folder / "done/issues.csv"), "issues.csv");
  ASSERT_EQ(issues.size(), 211U);
  EXPECT_EQ(issues[0].fields[4], "is_label_issue");
  const Json audit = parse_json(read_text(folder / "done/audit.json"));
  EXPECT_TRUE(audit.contains("issues"));
  // The same command goes on: nothing is left to train, and the findings are the same.
  const AppResult again = run_app(folder, "clean X.npy --out done --folds 3" + kTiny);
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(read_text(folder / "done/audit.json").size() > 0, true);
  EXPECT_EQ(value_after(again.out, "expected"), value_after(result.out, "expected"));
}

TEST(AppFeatures, EveryJudgeJudgesARun) {
  const TemporaryFolder folder;
  write_features(folder, 210);
  const AppResult trained = run_app(
      folder, "train --recipe features --data_path X.npy --test_split 0.2 --out run" + kTiny);
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  EXPECT_GT(value_after(trained.out, "last_acc"), 80.0) << trained.out;
  EXPECT_EQ(run_app(folder, "eval run").exit_code, 0);
  std::string automatic;
  for (const char* judge : {"networks", "kernel", "folds", "auto"}) {
    const AppResult audit = run_app(folder, "audit run --folds 3 --judge " + std::string(judge));
    ASSERT_EQ(audit.exit_code, 0) << judge << audit.err;
    EXPECT_GT(value_after(audit.out, "auc"), 0.9) << judge << audit.out;
  }
  EXPECT_TRUE(fs::exists(folder / "run/folds/3-2/config.json"));
  EXPECT_EQ(run_app(folder, "report run").exit_code, 0);
  expect_error(folder, "predict run X.npy", "take features, not images");
  expect_error(folder, "train --dataset features --data_path X.npy", "or the recipe features");
  expect_error(folder, "train --dataset shapes --arch mlp",
               "takes vectors, but the data set shapes");
}

TEST(AppFeatures, OfImagesAreComputedAndGoOnWhereTheyStopped) {
  const TemporaryFolder folder;
  write_class_folders(folder / "set/train", 3, 70);
  const std::string train =
      "train --dataset folder --data_path set --test_split 0.2 --width 4 --blocks 1,1,1,1 "
      "--batch_size 32 --warm_up 1 --num_epochs 2 --image_size 16 --kappa 0:1 --cache_dir cache "
      "--out run";
  ASSERT_EQ(run_app(folder, train).exit_code, 0);
  const AppResult made = run_app(folder, "features set --run run --out F.npy");
  ASSERT_EQ(made.exit_code, 0) << made.err;
  EXPECT_TRUE(contains(made.out, "rows 210 dim 64 left_out 0 out F.npy")) << made.out;
  EXPECT_EQ(parse_csv(read_text(folder / "F.csv"), "F.csv").size(), 211U);
  EXPECT_FALSE(fs::exists(folder / "F.npy.part.json"));
  const std::string whole = read_text(folder / "F.npy");
  // A file that an interrupted command left: its first 128 images are not computed again.
  fs::copy_file(folder / "F.npy", folder / "G.npy.part");
  const AppResult other = run_app(folder, "features set --run run --out G.npy");
  EXPECT_EQ(other.exit_code, 0) << other.err;
  EXPECT_EQ(read_text(folder / "G.npy"), whole);
  const AppResult clean =
      run_app(folder, "clean set --features F.npy --out done --folds 3" + kTiny);
  EXPECT_EQ(clean.exit_code, 0) << clean.err;
  EXPECT_TRUE(fs::exists(folder / "done/labels.csv"));
  expect_error(folder, "features set --out F.npy", "name the weights");
  expect_error(folder, "features set --run run --out F.csv", "written as NAME.npy");
  fs::remove(folder / "F.csv");
  fs::remove(*fs::directory_iterator(folder / "set/train/class0"));
  expect_error(folder, "clean set --features F.npy --out other",
               "210 rows, but set has 209 images");
}

}  // namespace
}  // namespace bptplr
