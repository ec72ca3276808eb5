// What training looks like on a terminal, whose width lines must not exceed.
#include <gtest/gtest.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "tests/apps/run_app.hpp"

namespace bptplr {
namespace {

/// What `bptplr ARGUMENTS` prints in `folder` on a terminal of so many columns, or on none, in
/// lines without escape codes; of a line that is drawn anew, what is left in the end.
std::vector<std::string> lines_on_terminal(const TemporaryFolder& folder,
                                           const std::string& arguments, int columns) {
  const std::string command =
      std::string("exec ") + BPTPLR_BINARY_DIR + "/bptplr " + arguments + " 2>stderr.txt";
  const std::string where = folder / ".";
  winsize size{};
  size.ws_row = 24;
  size.ws_col = static_cast<unsigned short>(columns);
  int terminal = -1;
  const pid_t process = ::forkpty(&terminal, nullptr, nullptr, &size);
  if (process == 0) {
    ::setenv("TERM", "xterm", 1);
    ::setenv("OMP_WAIT_POLICY", "passive", 1);
    if (::chdir(where.c_str()) == 0) {
      ::execl("/bin/sh", "sh", "-c", command.c_str(), static_cast<char*>(nullptr));
    }
    ::_exit(127);
  }
  std::string text;
  char bytes[4096];
  for (ssize_t n = 0; (n = ::read(terminal, bytes, sizeof bytes)) > 0;) {
    text.append(bytes, static_cast<std::size_t>(n));
  }
  ::close(terminal);
  int status = 0;
  ::waitpid(process, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << text;

  text = std::regex_replace(text, std::regex("\r\n"), "\n");
  text = std::regex_replace(text, std::regex("[^\n]*\r\033\\[K"), "");
  text = std::regex_replace(text, std::regex("\033\\[[0-9;]*m"), "");
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

/// The table of the epochs, its header first.
std::vector<std::string> table_of(const std::vector<std::string>& lines) {
  std::vector<std::string> table;
  for (const std::string& line : lines) {
    if (!table.empty() && line.empty()) break;
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
  for (const int columns : {80, 100, 126, 127, 150}) {
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
