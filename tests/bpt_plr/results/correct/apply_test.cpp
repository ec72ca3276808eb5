// Corrected labels, carried over to files.
#include "bpt_plr/results/correct/apply.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "data/sets/image_folder.hpp"
#include "data/sets/image_manifest.hpp"
#include "engine/error.hpp"
#include "engine/io/file.hpp"
#include "tests/message_of.hpp"
#include "tests/temporary_folder.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

void write(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

/// Returns what begins as a JPEG and is told from others by its name.
std::string picture(const std::string& name) {
  return "\xff\xd8\xff" + name;
}

/// Two classes with files of the same names; nothing is decoded here.
class ApplyCorrections : public ::testing::Test {
 protected:
  ApplyCorrections() {
    for (const char* name : {"train/cat/0.jpg", "train/cat/sub/1.jpg", "train/dog/0.jpg",
                             "train/dog/1.jpg", "test/cat/9.jpg", "test/dog/9.jpg"}) {
      write(set_ / name, picture(name));
    }
    const ImageList list = list_folder(set_);
    data_.dataset.root = list.root;
    data_.dataset.class_names = list.class_names;
    data_.dataset.class_folders = list.class_folders;
    for (const LabelledFile& file : list.train) {
      data_.dataset.train.files.push_back(file.path);
      data_.dataset.train.labels.push_back(file.label);
      data_.true_labels.push_back(-1);
    }
    for (const LabelledFile& file : list.test) {
      data_.dataset.test.files.push_back(file.path);
      data_.dataset.test.labels.push_back(file.label);
    }
    data_.noisy_labels = data_.dataset.train.labels;
  }

  /// Paths below a folder, in order, with what the files hold.
  static std::map<std::string, std::string> files_in(const fs::path& folder) {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      if (entry.is_regular_file()) {
        files[entry.path().lexically_relative(folder).string()] = read_file(entry.path());
      }
    }
    return files;
  }

  TemporaryFolder folder_;
  fs::path set_ = folder_.path() / "set";
  fs::path undo_ = folder_.path() / "undo";
  TrainingData data_;
  const std::vector<Correction> corrections_{{0, 1}, {1, 1}};
};

TEST_F(ApplyCorrections, MovesWithoutOverwritingAndBack) {
  const auto before = files_in(set_);
  const Applied done = apply_by_moving(corrections_, data_, "", undo_);
  EXPECT_EQ(done.files, 2);
  auto after = before;
  after.erase("train/cat/0.jpg");
  after.erase("train/cat/sub/1.jpg");
  after["train/dog/0_from_cat.jpg"] = picture("train/cat/0.jpg");
  after["train/dog/1_from_cat.jpg"] = picture("train/cat/sub/1.jpg");
  EXPECT_EQ(files_in(set_), after);
  EXPECT_EQ(undo_moves(done.result), 2);
  EXPECT_EQ(files_in(set_), before);
  EXPECT_EQ(undo_moves(done.result), 0) << "all is back already";
  EXPECT_EQ(apply_by_moving(corrections_, data_, "", undo_).result.filename(), "undo_2.csv");
}

TEST_F(ApplyCorrections, MovesElsewhere) {
  write(folder_.path() / "out/dog/0.jpg", "mine");
  const Applied done = apply_by_moving(corrections_, data_, folder_.path() / "out", undo_);
  const std::map<std::string, std::string> expected{
      {"dog/0.jpg", "mine"},
      {"dog/0_from_cat.jpg", picture("train/cat/0.jpg")},
      {"dog/1.jpg", picture("train/cat/sub/1.jpg")}};
  EXPECT_EQ(files_in(folder_.path() / "out"), expected);
  write(set_ / "train/cat/0.jpg", "new");
  EXPECT_NE(message_of([&] { undo_moves(done.result); }).find("would be overwritten"),
            std::string::npos);
  EXPECT_EQ(files_in(folder_.path() / "out"), expected) << "nothing is moved before all may be";
  fs::remove(set_ / "train/cat/0.jpg");
  fs::remove(folder_.path() / "out/dog/1.jpg");
  EXPECT_NE(message_of([&] { undo_moves(done.result); }).find("put it back by hand"),
            std::string::npos);
}

TEST_F(ApplyCorrections, AClassThatReadsAsAMissingLabelMakesNoTable) {
  data_.dataset.class_names[0] = "NA";
  const std::string message =
      message_of([&] { apply_as_csv(corrections_, data_, folder_.path() / "out"); });
  EXPECT_NE(message.find("the class 'NA' would read as a missing label"), std::string::npos)
      << message;
  EXPECT_FALSE(fs::exists(folder_.path() / "out"));
}

TEST_F(ApplyCorrections, FilesThatAreThereAlreadyStay) {
  data_.dataset.train.files[0] = (set_ / "train/dog/0.jpg").string();
  EXPECT_EQ(apply_by_moving({corrections_.data(), 1}, data_, "", undo_).files, 0);
}

TEST_F(ApplyCorrections, AFileThatCannotBeMovedIsNamedAndTheRestComesBack) {
  const auto before = files_in(set_);
  fs::remove(set_ / "train/cat/sub/1.jpg");
  const std::string message = message_of([&] { apply_by_moving(corrections_, data_, "", undo_); });
  EXPECT_NE(message.find("cannot move"), std::string::npos) << message;
  EXPECT_NE(message.find("takes back the 1 moves before it"), std::string::npos) << message;
  write(set_ / "train/cat/sub/1.jpg", picture("train/cat/sub/1.jpg"));
  EXPECT_EQ(undo_moves(undo_ / "undo_1.csv"), 1);
  EXPECT_EQ(files_in(set_), before);
}

TEST_F(ApplyCorrections, CopiesTheWholeSet) {
  const auto before = files_in(set_);
  const fs::path copy = folder_.path() / "copy";
  const Applied done = apply_by_copying(corrections_, data_, copy, {});
  EXPECT_EQ(done.files, 6);
  EXPECT_EQ(done.changed, 2);
  const std::map<std::string, std::string> expected{
      {"train/dog/0.jpg", picture("train/cat/0.jpg")},
      {"train/dog/1.jpg", picture("train/cat/sub/1.jpg")},
      {"train/dog/0_copy.jpg", picture("train/dog/0.jpg")},
      {"train/dog/1_copy.jpg", picture("train/dog/1.jpg")},
      {"test/cat/9.jpg", picture("test/cat/9.jpg")},
      {"test/dog/9.jpg", picture("test/dog/9.jpg")}};
  EXPECT_EQ(files_in(copy), expected);
  EXPECT_EQ(files_in(set_), before);
  EXPECT_NE(message_of([&] { apply_by_copying(corrections_, data_, copy, {}); }).find("not empty"),
            std::string::npos);
}

TEST_F(ApplyCorrections, WritesATableThatReadsBack) {
  data_.dataset.class_names = {"a \"cat\", or so", "dog"};
  data_.true_labels[1] = 1;
  const Applied done = apply_as_csv(corrections_, data_, folder_.path() / "csv");
  const ImageList list = list_manifest(done.result);
  EXPECT_EQ(list.class_names, data_.dataset.class_names);
  ASSERT_EQ(list.train.size(), 4U);
  EXPECT_EQ(list.test.size(), 2U);
  EXPECT_EQ(list.train[0].path, set_ / "train/cat/0.jpg");
  EXPECT_EQ(list.train[0].label, 1);
  EXPECT_EQ(list.train[0].true_label, kUnknownLabel);
  EXPECT_EQ(list.train[1].true_label, 1);
  EXPECT_NE(message_of([&] {
              apply_as_csv(corrections_, data_, folder_.path() / "csv");
            }).find("is there already"),
            std::string::npos);
}

TEST_F(ApplyCorrections, ImagesWithoutFilesOrClassFoldersAreRefused) {
  data_.dataset.class_folders.clear();
  EXPECT_NE(
      message_of([&] { apply_by_moving(corrections_, data_, "", undo_); }).find("--apply move DIR"),
      std::string::npos);
  data_.dataset.train.files.clear();
  for (const ApplyMode mode : {ApplyMode::kMove, ApplyMode::kCopy, ApplyMode::kCsv}) {
    const fs::path out = folder_.path() / "out";
    EXPECT_NE(message_of([&] {
                if (mode == ApplyMode::kMove) apply_by_moving(corrections_, data_, out, undo_);
                if (mode == ApplyMode::kCopy) apply_by_copying(corrections_, data_, out, {});
                if (mode == ApplyMode::kCsv) apply_as_csv(corrections_, data_, out);
              }).find("have no files of their own"),
              std::string::npos);
    EXPECT_FALSE(fs::exists(out));
  }
}

std::string entry(const std::string& fields) {
  return R"({"decisions": [{"index": 0, "given": "cat", "decision": "reject"}, {)" + fields + "}]}";
}

TEST_F(ApplyCorrections, DecisionsAreReadAndChecked) {
  const fs::path file = folder_.path() / "decisions.json";
  const auto read = [&](const std::string& text) {
    write(file, text);
    return read_decisions(file, data_);
  };
  const auto accepted =
      read(entry(R"("index": 3, "given": "dog", "decision": "accept", "label": "cat")"));
  ASSERT_EQ(accepted.size(), 1U) << "a rejected one keeps its label";
  EXPECT_EQ(accepted[0].sample, 3);
  EXPECT_EQ(accepted[0].label, 0);
  const auto error = [&](const std::string& text, const std::string& part) {
    const std::string message = message_of([&] { read(text); });
    EXPECT_NE(message.find(part), std::string::npos) << message;
    EXPECT_NE(message.find("decisions.json"), std::string::npos) << message;
  };
  error("[]", "no decisions");
  error("{", "no decisions");
  error(entry(R"("index": 4, "given": "dog", "decision": "reject")"), "the training images 0 to 3");
  error(entry(R"("index": -1, "given": "dog", "decision": "reject")"), "0 to 3");
  error(entry(R"("index": 3, "given": "cat", "decision": "reject")"), "the run has 'dog'");
  error(entry(R"("index": 3, "given": "dog", "decision": "accept", "label": "cow")"),
        "decision 2: 'cow' is no class");
  error(entry(R"("index": 3, "given": "dog", "decision": "maybe")"), "accept or reject");
  error(entry(R"("index": 0, "given": "cat", "decision": "reject")"), "decided on before");
}

}  // namespace
}  // namespace bptplr
