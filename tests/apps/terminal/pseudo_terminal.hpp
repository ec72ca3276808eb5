// Runs the built `bptplr` on a pseudo-terminal of a given width.
#pragma once

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

/// What a terminal receives from `bptplr ARGUMENTS` in `folder`, escape codes included; expects
/// this exit code. `environment` is what a shell takes before a command, as in "COLUMNS=70 ".
inline std::string bytes_on_terminal(const TemporaryFolder& folder, const std::string& arguments,
                                     int columns, const std::string& environment = "",
                                     int exit_code = 0) {
  const std::string command =
      "unset COLUMNS; " + environment + "exec " + BPTPLR_BINARY_DIR + "/bptplr " + arguments;
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
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == exit_code) << text;
  return text;
}

inline std::vector<std::string> split_lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

/// What a user sees of these bytes: lines without escape codes; of a line that is drawn anew, what
/// is left in the end.
inline std::vector<std::string> seen_lines(std::string text) {
  text = std::regex_replace(text, std::regex("\r\n"), "\n");
  text = std::regex_replace(text, std::regex("[^\n]*\r\033\\[K"), "");
  text = std::regex_replace(text, std::regex("\033\\[[0-9;]*m"), "");
  return split_lines(text);
}

/// All that was drawn, each drawing of a line a line of its own.
inline std::vector<std::string> drawn_lines(std::string text) {
  text = std::regex_replace(text, std::regex("\r\033\\[K"), "\n");
  return seen_lines(text);
}

/// Lines that `bptplr ARGUMENTS` prints on a terminal, warnings on stderr left out.
inline std::vector<std::string> lines_on_terminal(const TemporaryFolder& folder,
                                                  const std::string& arguments, int columns) {
  return seen_lines(bytes_on_terminal(folder, arguments + " 2>stderr.txt", columns));
}

}  // namespace bptplr
