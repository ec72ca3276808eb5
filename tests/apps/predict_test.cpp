// `bptplr predict`: classes of image files, from the folder of a run alone.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "data/csv.hpp"
#include "engine/io/json.hpp"
#include "tests/apps/run_app.hpp"
#include "tests/data/sets/image_sets.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

/// Three classes of pictures in SET, and a run on them in RUN. The networks see crops, so that
/// more of the test view counts than the image.
void train_on_folders(const TemporaryFolder& folder) {
  write_class_folders(folder / "set/train", 3, 24);
  write_class_folders(folder / "set/test", 3, 7, 100);
  const AppResult result = run_app(
      folder,
      "train --dataset folder --data_path set --width 4 --blocks 1,1,1,1 --batch_size 8 --warm_up "
      "1 --num_epochs 3 --image_size 18 --crop 16 --crop_padding 0 --kappa 0:2 --cache_dir cache "
      "--noise_mode sym --r 0.2 --out run");
  ASSERT_EQ(result.exit_code, 0) << result.err;
}

std::vector<CsvRow> table(const std::string& text) {
  return parse_csv(text, "table");
}

/// Percent of the pictures whose class, which their folder is called after, was found.
double accuracy(const std::vector<CsvRow>& rows) {
  int correct = 0;
  for (std::size_t i = 1; i < rows.size(); ++i) {
    correct += contains(rows[i].fields[0], "/" + rows[i].fields[2] + "/") ? 1 : 0;
  }
  return 100.0 * correct / static_cast<double>(rows.size() - 1);
}

TEST(AppPredict, FindsTheClassesThatEvalCounts) {
  const TemporaryFolder folder;
  train_on_folders(folder);
  const Json measured = parse_json(run_app(folder, "eval run --json").out);
  // The data set is not needed, only these pictures.
  fs::rename(folder / "set/test", folder / "pictures");
  fs::remove_all(folder / "set");
  fs::remove_all(folder / "cache");
  const AppResult all = run_app(folder, "predict run pictures");
  EXPECT_EQ(all.exit_code, 0) << all.err;
  EXPECT_EQ(all.err, "");
  const std::vector<CsvRow> rows = table(all.out);
  ASSERT_EQ(rows.size(), 22U);
  EXPECT_EQ(rows[0].fields, (std::vector<std::string>{"path", "label", "name", "probability"}));
  EXPECT_EQ(rows[1].fields[0], "pictures/class0/image100.JPEG");
  EXPECT_NEAR(accuracy(rows), measured["together"].get<double>(), 1e-9);
  for (int k = 0; k < 2; ++k) {
    const std::string model = "run/model" + std::to_string(k + 1) + ".safetensors";
    const AppResult one = run_app(folder, "predict " + model + " pictures --threads 1");
    EXPECT_NEAR(accuracy(table(one.out)), measured["networks"][k].get<double>(), 1e-9);
  }
}

TEST(AppPredict, TableAndJsonSayTheSame) {
  const TemporaryFolder folder;
  train_on_folders(folder);
  const std::string images = "set/test/class1 set/test/class0/image100.JPEG ";
  const AppResult as_table = run_app(folder, "predict run --all --out p.csv " + images);
  EXPECT_EQ(as_table.exit_code, 0) << as_table.err;
  EXPECT_EQ(as_table.out, "images 8 left_out 0 out p.csv\n");
  const std::vector<CsvRow> rows = table(read_text(folder / "p.csv"));
  const Json list = parse_json(run_app(folder, "predict run --all --json " + images).out);
  ASSERT_EQ(rows.size(), 9U);
  ASSERT_EQ(list.size(), 8U);
  EXPECT_EQ(rows[0].fields[4], "p_class0");
  EXPECT_EQ(list[7]["path"], "set/test/class0/image100.JPEG");
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::vector<std::string>& fields = rows[i + 1].fields;
    ASSERT_EQ(fields.size(), 7U);
    EXPECT_EQ(fields[0], list[i]["path"].get<std::string>());
    EXPECT_EQ(fields[1], std::to_string(list[i]["label"].get<int>()));
    EXPECT_EQ(fields[2], list[i]["name"].get<std::string>());
    double sum = 0;
    double most = 0;
    for (std::size_t c = 0; c < 3; ++c) {
      const double p = std::stod(fields[4 + c]);
      EXPECT_NEAR(p, list[i]["probabilities"][c].get<double>(), 1e-9);
      sum += p;
      most = std::max(most, p);
    }
    EXPECT_NEAR(sum, 1.0, 1e-5);
    EXPECT_EQ(std::stod(fields[3]), most);
    EXPECT_NEAR(list[i]["probability"].get<double>(), most, 1e-9);
  }
}

TEST(AppPredict, UnreadableImagesStopOrAreLeftOut) {
  const TemporaryFolder folder;
  train_on_folders(folder);
  write_text_file(folder / "set/test/class1/bad.png", "no picture");
  const AppResult stopped = run_app(folder, "predict run set/test --out p.csv");
  EXPECT_EQ(stopped.exit_code, 1);
  EXPECT_TRUE(contains(stopped.err, "set/test/class1/bad.png: neither")) << stopped.err;
  EXPECT_TRUE(contains(stopped.err, "--on_bad_image skip")) << stopped.err;
  EXPECT_FALSE(fs::exists(folder / "p.csv"));
  EXPECT_FALSE(fs::exists(folder / "p.csv.part"));
  const AppResult skipped = run_app(folder, "predict run set/test --on_bad_image skip --out p.csv");
  EXPECT_EQ(skipped.exit_code, 0);
  EXPECT_EQ(skipped.out, "images 21 left_out 1 out p.csv\n");
  EXPECT_TRUE(contains(skipped.err, "left out: set/test/class1/bad.png")) << skipped.err;
  EXPECT_EQ(table(read_text(folder / "p.csv")).size(), 22U);
  const AppResult none = run_app(folder, "predict run set/test/class1/bad.png --on_bad_image skip");
  EXPECT_EQ(none.exit_code, 1);
  EXPECT_TRUE(contains(none.err, "none of the 1 image files is readable")) << none.err;
}

TEST(AppPredict, SaysWhatIsMissing) {
  const TemporaryFolder folder;
  train_on_folders(folder);
  const auto expect_error = [&](const std::string& arguments, const std::string& part) {
    const AppResult result = run_app(folder, "predict " + arguments);
    EXPECT_EQ(result.exit_code, 1) << arguments;
    EXPECT_TRUE(contains(result.err, part)) << arguments << ": " << result.err;
  };
  expect_error("nowhere set", "there is no folder nowhere");
  expect_error("run nowhere.jpg", "there is no file or folder nowhere.jpg");
  fs::create_directories(folder / "empty");
  expect_error("run empty", "empty: no file called");
  expect_error("run set --out nowhere/p.csv", "nowhere/p.csv");
  expect_error("run/config.json set", "config.json");
  EXPECT_EQ(run_app(folder, "predict run").exit_code, 2);
  EXPECT_EQ(run_app(folder, "predict run set --on_bad_image drop").exit_code, 2);

  const std::string classes = read_text(folder / "run/classes.json");
  write_text(folder / "run/classes.json", classes.substr(0, classes.size() / 2));
  expect_error("run set", "run/classes.json is not valid JSON");
  Json fewer = parse_json(classes);
  fewer["classes"].erase(2);
  write_text(folder / "run/classes.json", to_text(fewer));
  expect_error("run set", "config.json says 3 classes, but classes.json names 2");
  fs::remove(folder / "run/classes.json");
  expect_error("run set", "run/classes.json is missing");
}

}  // namespace
}  // namespace bptplr
