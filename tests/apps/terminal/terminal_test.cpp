// What training looks like on a terminal, whose width lines must not exceed.
#include <gtest/gtest.h>

#include <regex>
#include <string>
#include <vector>

#include "tests/apps/run_app.hpp"
#include "tests/apps/terminal/pseudo_terminal.hpp"

namespace bptplr {
namespace {

/// The table of the epochs, its header first; how long the run takes may be said in between.
std::vector<std::string> table_of(const std::vector<std::string>& lines) {
  std::vector<std::string> table;
  bool is_time = false;
  for (const std::string& line : lines) {
    if (!table.empty() && line.empty()) break;
    is_time = line.starts_with("time ") || (is_time && line.starts_with("          "));
    if (is_time) continue;
    if (!table.empty() || line.starts_with("epoch")) table.push_back(line);
  }
  return table;
}

/// Under a second long: an epoch of the warm-up, and one after it.
const std::string kRun =
    "train --dataset shapes --shapes_train 60 --shapes_test 20 --width 2 --blocks 1,1,1,1 "
    "--low_dim 16 --batch_size 16 --warm_up 1 --num_epochs 2 --r 0.4 --p_threshold 0.1 "
    "--threads 1 --out ";

TEST(AppTerminal, LinesOfEpochsFitTheTerminal) {
  const TemporaryFolder folder;
  for (const int columns : {60, 80, 100, 126, 127, 150}) {
    const std::string out = "run" + std::to_string(columns);
    const std::vector<std::string> table = table_of(lines_on_terminal(folder, kRun + out, columns));
    ASSERT_EQ(table.size(), 3U) << columns << ": a header and two epochs";
    for (const std::string& line : table) {
      EXPECT_LE(line.size(), static_cast<std::size_t>(columns)) << line;
      EXPECT_TRUE(line == table[0] || std::regex_search(line, std::regex("[0-9]$"))) << line;
    }
    EXPECT_EQ(contains(table[0], "parts of the loss"), columns >= 127) << columns;
    EXPECT_EQ(contains(table[2], "contrastive"), columns >= 127) << table[2];
    EXPECT_EQ(contains(table[0], "mem GiB"), columns >= 105) << columns;
    EXPECT_EQ(contains(table[0], "img/s"), columns >= 97) << columns;
    for (const char* title : {"epoch", "test %", "best %", "AUC", "time"}) {
      EXPECT_TRUE(contains(table[0], title)) << columns << " " << title;
    }
  }
}

TEST(AppTerminal, ElsewhereLinesAreWhole) {
  const TemporaryFolder folder;
  const AppResult result = run_app(folder, kRun + "run");
  EXPECT_TRUE(contains(result.out, "mem GiB     time  parts of the loss\n")) << result.out;
  EXPECT_TRUE(std::regex_search(
      result.out,
      std::regex("\n    1  bptplr .*  contrastive [0-9.]+  lambda_u [0-9.]+  u [0-9.]+  "
                 "x [0-9.]+  penalty [0-9.]+\n")))
      << result.out;
}

}  // namespace
}  // namespace bptplr
