// Data that have changed since a run was trained on them.
#include <gtest/gtest.h>

#include <string>

#include "data/csv.hpp"
#include "tests/apps/run_app.hpp"
#include "tests/data/sets/image_sets.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

const std::string kTiny =
    "--width 4 --blocks 1,1,1,1 --batch_size 16 --warm_up 1 --num_epochs 1 --image_size 16 "
    "--method ce --cache_dir cache ";

class DataChanges : public ::testing::Test {
 protected:
  void SetUp() override {
    write_class_folders(set_ / "train", 2, 8);
    write_class_folders(set_ / "test", 2, 2, 100);
    const AppResult result =
        run_app(folder_, "train " + kTiny + "--dataset folder --data_path set --out run");
    ASSERT_EQ(result.exit_code, 0) << result.err;
  }
  void move_to_other_class() {
    fs::rename(set_ / "train/class0/image3.jpg", set_ / "train/class1/moved.jpg");
  }
  /// Path and given label of a row of suspects.csv whose path ends so.
  std::string given(const std::string& ending) {
    const std::vector<CsvRow> rows = parse_csv(read_text(folder_ / "run/audit/suspects.csv"), "x");
    for (const CsvRow& row : rows) {
      for (std::size_t i = 0; i + 2 < row.fields.size(); ++i) {
        if (row.fields[i].ends_with(ending)) return row.fields[i + 2];
      }
    }
    return "";
  }

  TemporaryFolder folder_;
  fs::path set_ = folder_.path() / "set";
};

TEST_F(DataChanges, MovedImagesAreJudgedByTheLabelThatTheyHad) {
  ASSERT_EQ(run_app(folder_, "audit run").exit_code, 0);
  EXPECT_EQ(given("class1/image0.jpg"), "class1");
  const std::string before = read_text(folder_ / "run/audit/audit.json");
  move_to_other_class();
  const AppResult audit = run_app(folder_, "audit run");
  EXPECT_EQ(audit.exit_code, 0) << audit.err;
  EXPECT_TRUE(
      contains(audit.err, "1 moved (train/class0/image3.jpg is now train/class1/moved.jpg)"))
      << audit.err;
  EXPECT_EQ(given("class1/image0.jpg"), "class1");
  EXPECT_EQ(given("class1/moved.jpg"), "class0");
  EXPECT_EQ(read_text(folder_ / "run/audit/audit.json"), before) << "the same images and labels";
  EXPECT_FALSE(fs::exists(folder_ / "run/audit/labels.json"))
      << "its order would not be that of the files any more";
  EXPECT_TRUE(contains(run_app(folder_, "report run").err, "1 moved"));
  EXPECT_EQ(run_app(folder_, "eval run").err.find("moved"), std::string::npos)
      << "the test images are the same";
  const AppResult resumed = run_app(folder_, "train --resume --out run --num_epochs 2");
  EXPECT_EQ(resumed.exit_code, 1);
  EXPECT_TRUE(
      contains(resumed.err, "training images or labels are not those of the run in run: 1 moved"))
      << resumed.err;
}

TEST_F(DataChanges, MissingImagesAreRefusedByName) {
  fs::remove(set_ / "train/class1/image4.JPEG");
  write_jpeg(set_ / "train/class1/image7.JPEG", class_picture(0, 50));
  expect_error(
      folder_, "audit run --data_path set",
      "2 of the 16 training images of the run in run are gone or changed since: 1 with other "
      "pixels (train/class1/image7.JPEG), 1 no longer there (train/class1/image4.JPEG)");
  EXPECT_EQ(run_app(folder_, "eval run").exit_code, 0);
  fs::remove(set_ / "test/class0/image100.JPEG");
  expect_error(folder_, "eval run", "1 of the 4 test images");
}

TEST_F(DataChanges, AddedImagesAreSaidAndNotJudged) {
  write_jpeg(set_ / "train/class0/aaa.jpg", class_picture(0, 60));
  const AppResult audit = run_app(folder_, "audit run");
  EXPECT_EQ(audit.exit_code, 0) << audit.err;
  EXPECT_TRUE(contains(audit.err, "1 added (train/class0/aaa.jpg)")) << audit.err;
  EXPECT_TRUE(contains(audit.out, "16 training images")) << audit.out;
  EXPECT_EQ(given("class0/image0.jpg"), "class0");
  EXPECT_EQ(given("aaa.jpg"), "");
}

TEST_F(DataChanges, OtherClassesAreRefused) {
  fs::rename(set_ / "train/class1", set_ / "train/other");
  fs::rename(set_ / "test/class1", set_ / "test/other");
  expect_error(folder_, "audit run",
               "are 0 class0, 1 other, but the run in run has 0 class0, 1 class1");
  write_class_folders(set_ / "train", 2, 2, 200);
  expect_error(folder_, "audit run", "num_class is 2, but folder has 3 classes");
}

TEST_F(DataChanges, AWholeSetThatHasMovedIsTheSame) {
  fs::rename(set_, folder_.path() / "elsewhere");
  const AppResult audit = run_app(folder_, "audit run --data_path elsewhere");
  EXPECT_EQ(audit.exit_code, 0) << audit.err;
  EXPECT_FALSE(contains(audit.err, "changed")) << audit.err;
}

TEST_F(DataChanges, RunsThatRecordedNothingAreSaidToHaveNot) {
  fs::remove(folder_ / "run/data.csv");
  const AppResult audit = run_app(folder_, "audit run");
  EXPECT_EQ(audit.exit_code, 0) << audit.err;
  EXPECT_TRUE(contains(audit.err, "did not record its data")) << audit.err;
  EXPECT_TRUE(contains(run_app(folder_, "eval run").err, "did not record its data"));
}

TEST(DataChangesSplit, ASplitThatIsDrawnAgainIsThatOfTheRun) {
  const TemporaryFolder folder;
  write_class_folders(folder / "set", 2, 10);
  ASSERT_EQ(run_app(folder, "train " + kTiny +
                                "--dataset folder --data_path set --test_split 0.3 --out run")
                .exit_code,
            0);
  fs::rename(folder / "set/class0/image0.jpg", folder / "set/class1/a_first.jpg");
  const AppResult audit = run_app(folder, "audit run");
  EXPECT_EQ(audit.exit_code, 0) << audit.err;
  EXPECT_TRUE(contains(audit.out, "14 training images")) << audit.out;
  EXPECT_TRUE(contains(audit.err, "1 moved")) << audit.err;
}

TEST(DataChangesSubset, OfASubsetTheSameImagesAreFound) {
  const TemporaryFolder folder;
  write_class_folders(folder / "set/train", 2, 10);
  write_class_folders(folder / "set/test", 2, 2, 100);
  ASSERT_EQ(
      run_app(folder, "train " + kTiny + "--dataset folder --data_path set --subset 12 --out run")
          .exit_code,
      0);
  write_jpeg(folder / "set/train/class0/aaa.jpg", class_picture(0, 60));  // draws another subset
  const AppResult audit = run_app(folder, "audit run");
  EXPECT_EQ(audit.exit_code, 0) << audit.err;
  EXPECT_TRUE(contains(audit.out, "12 training images")) << audit.out;
}

}  // namespace
}  // namespace bptplr
