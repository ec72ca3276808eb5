// Every command on terminals of 60, 80 and 120 columns: lines fit, and nothing is cut.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/apps/run_app.hpp"
#include "tests/apps/terminal/pseudo_terminal.hpp"
#include "tests/data/sets/image_sets.hpp"

namespace bptplr {
namespace {

const std::string kTiny =
    "--width 2 --blocks 1,1,1,1 --low_dim 16 --batch_size 16 --warm_up 1 --num_epochs 2 "
    "--p_threshold 0.1 --threads 1 ";
const std::string kShapes =
    "train --dataset shapes --shapes_train 60 --shapes_test 20 --r 0.4 " + kTiny;
const std::string kName = "a_class_whose_name_is_as_long_as_some_people_make_them";

/// Columns that UTF-8 text takes.
std::size_t width_of(const std::string& line) {
  return static_cast<std::size_t>(std::ranges::count_if(
      line, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

/// Expects lines that fit; a longer one may only be a path or a name, whole on a line of its own.
void expect_fit(const std::string& bytes, int columns) {
  SCOPED_TRACE(columns);
  for (const std::string& line : drawn_lines(bytes)) {
    const std::size_t begin = line.find_first_not_of(' ');
    const bool is_word = begin != std::string::npos && line.find(' ', begin) == std::string::npos;
    EXPECT_TRUE(is_word || width_of(line) <= static_cast<std::size_t>(columns))
        << width_of(line) << ": " << line;
  }
}

/// Runs a command on terminals of three widths, each in a folder of its own if it trains.
void expect_fits(const TemporaryFolder& folder, const std::string& arguments) {
  SCOPED_TRACE(arguments);
  for (const int columns : {60, 80, 120}) {
    expect_fit(bytes_on_terminal(folder, arguments, columns), columns);
  }
}

TEST(AppWidth, HelpOfEveryCommand) {
  const TemporaryFolder folder;
  for (const char* command :
       {"", "train", "compare", "eval", "audit", "report", "predict", "data", "data check", "cache",
        "cache list", "cache clear", "bench", "info"}) {
    expect_fits(folder, std::string(command) + " --help");
  }
  const std::string narrow = bytes_on_terminal(folder, "train --help", 60);
  EXPECT_TRUE(contains(narrow, "--cache_limit")) << narrow;
  // COLUMNS beats the terminal, and counts where there is none.
  expect_fit(bytes_on_terminal(folder, "train --help", 200, "COLUMNS=60 "), 60);
  const AppResult piped = run_app(folder, "train --help");
  for (const std::string& line : split_lines(piped.out)) EXPECT_LE(line.size(), 80U) << line;
}

TEST(AppWidth, TrainingAndWhatFollowsIt) {
  const TemporaryFolder folder;
  for (const int columns : {60, 80, 120}) {
    const std::string run = "run" + std::to_string(columns);
    expect_fit(bytes_on_terminal(folder, kShapes + "--out " + run, columns), columns);
    expect_fit(bytes_on_terminal(folder, "eval " + run, columns), columns);
    expect_fit(bytes_on_terminal(folder, "audit " + run, columns), columns);
  }
  expect_fits(folder, "info");
  // Errors, on stderr, too.
  expect_fit(bytes_on_terminal(folder, kShapes + "--resume --lr 0.5 --out run60", 60, "", 1), 60);
}

TEST(AppWidth, LongNamesAreCutWhereItShowsAndPathsStayWhole) {
  const TemporaryFolder folder;
  write_class_folders(folder / "set/train", 3, 8);
  write_class_folders(folder / "set/test", 3, 2, 100);
  for (const char* split : {"train", "test"}) {
    const std::filesystem::path of = std::filesystem::path(folder / "set") / split;
    std::filesystem::rename(of / "class0", of / kName);
  }
  const std::string train =
      "train --dataset folder --data_path set --noise_mode sym --r 0.4 "
      "--image_size 16 --kappa 0:1 --cache_dir cache " +
      kTiny + "--out ";
  for (const int columns : {60, 80, 120}) {
    const std::string run = "run" + std::to_string(columns);
    const std::string trained = bytes_on_terminal(folder, train + run, columns);
    expect_fit(trained, columns);
    EXPECT_TRUE(contains(trained, kName.substr(0, 6))) << trained;
    const std::string audited = bytes_on_terminal(folder, "audit " + run, columns);
    expect_fit(audited, columns);
    EXPECT_EQ(contains(audited, "~"), columns < 120) << audited;
    EXPECT_TRUE(contains(audited, "/" + kName + "/")) << "a path, whole: " << audited;
    const std::string listed = bytes_on_terminal(folder, "cache list --cache_dir cache", columns);
    expect_fit(listed, columns);
    EXPECT_TRUE(contains(listed, ".images")) << listed;
  }
  expect_fits(folder, "data check set");
}

TEST(AppWidth, ComparisonsLoseColumnsRatherThanFigures) {
  const TemporaryFolder folder;
  const std::string compare =
      "compare bptplr ce --seeds 1,2 --dataset shapes --shapes_train 60 --shapes_test 20 --r 0.4 " +
      kTiny + "--out all";
  expect_fit(bytes_on_terminal(folder, compare, 60), 60);
  expect_fits(folder, "compare --table --out all");
  const std::string narrow = bytes_on_terminal(folder, "compare --table --out all", 60);
  EXPECT_TRUE(contains(narrow, "last-10 %")) << narrow;
  EXPECT_TRUE(contains(bytes_on_terminal(folder, "compare --table --out all", 120), "min"));
}

}  // namespace
}  // namespace bptplr
