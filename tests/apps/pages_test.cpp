// Every page that the program writes, opened in a browser: charts, sections, the console, and the
// width of a telephone. Skipped where there is no Chromium; .ci/run installs one.
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "engine/io/json.hpp"
#include "tests/apps/browser.hpp"
#include "tests/apps/run_app.hpp"
#include "tests/data/sets/image_sets.hpp"

namespace bptplr {
namespace {

const std::string kReport = "suspects curves selection balance test noise issues recipe";
const std::string kComparison = "results curves seeds settings";

class AppPages : public testing::Test {
 protected:
  void SetUp() override {
    chromium_ = find_chromium(folder_);
    if (chromium_.empty()) GTEST_SKIP() << "There is no Chromium that works.";
  }

  void run(const std::string& arguments, int exit_code = 0) const {
    const AppResult result = run_app(folder_, arguments);
    ASSERT_EQ(result.exit_code, exit_code) << arguments << "\n" << result.err;
  }

  /// Trains, writes the report and looks at it.
  void expect_report(const std::string& flags) const {
    SCOPED_TRACE(flags);
    std::filesystem::remove_all(folder_ / "run");
    run("train " + flags + " --out run");
    run("report run");
    expect_drawn(folder_, chromium_, "run/report.html", kReport);
  }

  TemporaryFolder folder_;
  std::string chromium_;
};

TEST_F(AppPages, ABrowserDrawsNoPageThatIsBrokenWithoutAWord) {
  const auto problems = [&](const std::string& body) {
    const std::string facts = "<dl id=facts><div></div></dl>";
    write_text(folder_ / "page.html",
               "<!doctype html><body>" + facts + "<main>" + body + "</main></body>");
    std::string text;
    for (const std::string& problem : problems_of(folder_, chromium_, "page.html", "a")) {
      text += problem;
    }
    return text;
  };
  EXPECT_EQ(problems("<section id=a><h2>a</h2><p>b</p></section>"), "");
  const std::string many = problems(
      "<section id=a><h2>a</h2></section><div class=chart></div><a href='#b'>b</a>"
      "<div class=chart><svg><path class=series d='M3 4'></path></svg></div><p>NaN</p>"
      "<img src='data:,'><div style='width: 391px'>c</div>"
      "<script>new ResizeObserver(() => { chart.warmUps.filter(); }).observe(document.body)"
      "</script>");
  for (const char* problem :
       {"an empty section (a)", "an empty chart", "without marks", "a link to nowhere (#b)",
        "a text with NaN", "not shown", "beyond the screen", "Uncaught ReferenceError"}) {
    EXPECT_TRUE(contains(many, problem)) << problem << " is not in " << many;
  }
}

TEST_F(AppPages, ABrowserDrawsAReportOfTwoLosses) {
  expect_report(kSmall + "--r 0.4");
}

TEST_F(AppPages, ABrowserDrawsAReportOfOneLoss) {
  expect_report(kSmall + "--r 0.4 --method dividemix");
}

TEST_F(AppPages, ABrowserDrawsAReportOfDistances) {
  expect_report(kSmall + "--r 0.4 --method unicon");
}

TEST_F(AppPages, ABrowserDrawsAReportWithoutPartitions) {
  expect_report(kSmall + "--r 0.4 --method ce");
}

TEST_F(AppPages, ABrowserDrawsAReportOfOneEpoch) {
  expect_report(kSmall + "--method ce --num_epochs 1");
}

TEST_F(AppPages, ABrowserDrawsAReportOfNoEpoch) {
  run("train " + kSmall + "--method ce --num_epochs 1 --out run");
  for (const char* file : {"metrics.jsonl", "model1.safetensors"}) {
    std::filesystem::remove(folder_ / "run/" + file);
  }
  run("report run");
  expect_drawn(folder_, chromium_, "run/report.html", kReport);
}

TEST_F(AppPages, ABrowserDrawsAReportOfImageFilesAndManyClasses) {
  write_class_folders(folder_ / "set", 21, 3);
  expect_report(
      "--dataset folder --data_path set --test_split 0.34 --method ce --width 2 --blocks 1,1,1,1 "
      "--batch_size 16 --num_epochs 1 --image_size 104 --cache_dir cache");
}

TEST_F(AppPages, ABrowserDrawsComparisons) {
  write_text(folder_ / "boom.json", R"({"method": "ce", "lr": 1e30})");
  const std::string flags =
      "--dataset shapes --shapes_train 60 --shapes_test 20 --width 2 --blocks 1,1,1,1 --low_dim 16 "
      "--batch_size 16 --warm_up 1 --r 0.4 --p_threshold 0.1 --threads 1 ";
  run("compare bptplr boom.json ce --seeds 1,2 --num_epochs 2 --out some " + flags, 1);
  expect_drawn(folder_, chromium_, "some/compare.html", kComparison);
  run("compare ce --seeds 1 --num_epochs 1 --out one " + flags);
  expect_drawn(folder_, chromium_, "one/compare.html", kComparison);
}

}  // namespace
}  // namespace bptplr
