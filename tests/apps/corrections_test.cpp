// `bptplr audit --apply`: corrected labels, carried over to files and back.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "engine/io/json.hpp"
#include "tests/apps/browser.hpp"
#include "tests/apps/run_app.hpp"
#include "tests/data/sets/image_sets.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

class AppCorrections : public ::testing::Test {
 protected:
  void SetUp() override {
    write_class_folders(folder_ / "set/train", 2, 8);
    write_class_folders(folder_ / "set/test", 2, 2, 100);
    const AppResult result = run_app(
        folder_,
        "train --width 4 --blocks 1,1,1,1 --batch_size 16 --warm_up 1 --num_epochs 1 --method ce "
        "--image_size 16 --cache_dir cache --dataset folder --data_path set --out run");
    ASSERT_EQ(result.exit_code, 0) << result.err;
  }

  /// Writes what the page saves: image 3 of class0 is relabelled, image 4 is not.
  void decide() {
    const Json decisions = Json::parse(R"({"run": "run", "decisions": [
      {"index": 3, "given": "class0", "decision": "accept", "label": "class1"},
      {"index": 4, "given": "class0", "decision": "reject"}]})");
    write_text(folder_ / "decisions.json", to_text(decisions));
  }
  std::int64_t count(const std::string& folder) {
    std::int64_t files = 0;
    for (const auto& entry : fs::recursive_directory_iterator(folder_ / folder)) {
      files += entry.is_regular_file() ? 1 : 0;
    }
    return files;
  }

  TemporaryFolder folder_;
};

TEST_F(AppCorrections, DecisionsMoveFilesAndUndoMovesThemBack) {
  decide();
  const AppResult moved = run_app(folder_, "audit run --decisions decisions.json --apply move");
  ASSERT_EQ(moved.exit_code, 0) << moved.err;
  EXPECT_TRUE(contains(moved.out, "1 of 1 files moved")) << moved.out;
  EXPECT_TRUE(fs::exists(folder_ / "set/train/class1/image3_from_class0.jpg"));
  EXPECT_EQ(count("set/train/class0"), 7);
  // What has moved belongs to the run as before, and is not moved twice.
  const AppResult again = run_app(folder_, "audit run --decisions decisions.json --apply move");
  EXPECT_TRUE(contains(again.out, "0 of 1 files moved")) << again.out << again.err;
  const AppResult undone = run_app(folder_, "audit run --undo run/audit/undo_1.csv");
  EXPECT_EQ(undone.exit_code, 0) << undone.err;
  EXPECT_TRUE(contains(undone.out, "undone 1 of")) << undone.out;
  EXPECT_TRUE(fs::exists(folder_ / "set/train/class0/image3.jpg"));
  EXPECT_EQ(run_app(folder_, "audit run").err, run_app(folder_, "audit run --top 0").err);
}

TEST_F(AppCorrections, CopiesAndTablesCanBeTrainedOn) {
  decide();
  ASSERT_EQ(run_app(folder_, "audit run --decisions decisions.json --apply copy new").exit_code, 0);
  EXPECT_EQ(count("new"), 20);
  EXPECT_EQ(count("new/train/class1"), 9);
  ASSERT_EQ(run_app(folder_, "audit run --decisions decisions.json --apply csv table").exit_code,
            0);
  for (const char* data : {"new", "table/labels.csv"}) {
    const AppResult check = run_app(folder_, "data check " + std::string(data));
    EXPECT_TRUE(contains(check.out, "classes 2 train 16 test 4 unreadable 0")) << check.out;
  }
  expect_error(folder_, "audit run --decisions decisions.json --apply copy new", "not empty");
  expect_error(folder_, "audit run --decisions decisions.json --apply csv table", "already");
}

TEST_F(AppCorrections, WhatIsNotMeantIsAnErrorBeforeAnythingMoves) {
  decide();
  expect_error(folder_, "audit run --apply throw", "must be move, copy or csv");
  expect_error(folder_, "audit run --apply copy", "needs a folder");
  expect_error(folder_, "audit run --decisions decisions.json", "add --apply");
  expect_error(folder_, "audit run --json --apply move",
               "--json prints the audit and changes nothing");
  expect_error(folder_, "audit run --decisions nowhere.json --apply move", "nowhere.json");
  expect_error(folder_, "audit run --undo decisions.json", "not what --apply move writes");
  EXPECT_EQ(count("set"), 20);
}

TEST_F(AppCorrections, ThePageShowsSuspectsAndIsDrawn) {
  ASSERT_EQ(run_app(folder_, "audit run --review 5").exit_code, 0);
  const std::string page = read_text(folder_ / "run/audit/review.html");
  EXPECT_TRUE(contains(page, "Is the label wrong?"));
  fs::remove(folder_ / "run/audit/review.html");
  ASSERT_EQ(run_app(folder_, "audit run --review 0").exit_code, 0);
  EXPECT_FALSE(fs::exists(folder_ / "run/audit/review.html"));

  const std::string chromium = find_chromium(folder_);
  if (chromium.empty()) GTEST_SKIP() << "There is no Chromium that works.";
  write_text(folder_ / "page.html", page);
  expect_drawn(folder_, chromium, "page.html", "review");
  // Two decisions, as a reader makes them, and the file that they become.
  const std::string clicks =
      "<script>addEventListener('load', () => {"
      "document.querySelectorAll('[data-decision=accept]')[0].click();"
      "document.querySelectorAll('[data-decision=reject]')[1].click();"
      "document.body.append(html('pre', {}, 'SAVED' + decisionsFile() + "
      "'END'));});</script></body>";
  std::string clicked = page;
  clicked.replace(clicked.rfind("</body>"), 7, clicks);
  write_text(folder_ / "page.html", clicked);
  const std::string drawn = drawn_page(folder_, chromium, "page.html");
  EXPECT_TRUE(contains(drawn, "2 of 5 decided: 1 accepted, 1 rejected.")) << drawn.size();
  const std::size_t begin = drawn.rfind("SAVED") + 5;
  write_text(folder_ / "decisions.json", drawn.substr(begin, drawn.rfind("END") - begin));
  const AppResult moved = run_app(folder_, "audit run --decisions decisions.json --apply move");
  EXPECT_TRUE(contains(moved.out, "1 of 1 files moved")) << moved.out << moved.err;
}

}  // namespace
}  // namespace bptplr
