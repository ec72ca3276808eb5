// Runs the built `bptplr` as a user does, and captures its output.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/temporary_folder.hpp"

namespace bptplr {

inline std::string read_text(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

inline void write_text(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

struct AppResult {
  int exit_code = -1;  ///< -1: ended by a signal
  std::string out;
  std::string err;
};

/// Runs `LAUNCHER bptplr ARGUMENTS`, parsed by a shell, inside `folder`; `launcher` may be empty.
///
/// Waiting threads sleep instead of spinning, as several tests run at a time.
inline AppResult run_launched(const TemporaryFolder& folder, const std::string& launcher,
                              const std::string& arguments) {
  const std::string out = folder / "stdout.txt";
  const std::string err = folder / "stderr.txt";
  const std::string command = "cd '" + folder / "." + "' && OMP_WAIT_POLICY=passive " + launcher +
                              " " BPTPLR_BINARY_DIR "/bptplr " + arguments + " >'" + out + "' 2>'" +
                              err + "' </dev/null";
  const int status = std::system(command.c_str());
  AppResult result{WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_text(out), read_text(err)};
  // A shell reports a crash as 128 + signal.
  if (result.exit_code > 128) result.exit_code = -1;
  return result;
}

/// Runs `bptplr ARGUMENTS`, likewise.
inline AppResult run_app(const TemporaryFolder& folder, const std::string& arguments) {
  return run_launched(folder, "", arguments);
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Arguments of a run that trains in a second.
inline const std::string kSmall =
    "--dataset shapes --shapes_train 200 --shapes_test 100 --width 4 --blocks 1,1,1,1 "
    "--batch_size 32 --warm_up 1 --num_epochs 2 ";

/// Expects exit code 1 and, on stderr, one line "bptplr: error: ..." with `part` in it.
inline void expect_error(const TemporaryFolder& folder, const std::string& arguments,
                         const std::string& part) {
  SCOPED_TRACE(arguments);
  const AppResult result = run_app(folder, arguments);
  EXPECT_EQ(result.exit_code, 1) << result.err;
  EXPECT_TRUE(result.err.starts_with("bptplr: error: ")) << result.err;
  EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  EXPECT_TRUE(contains(result.err, part)) << result.err;
}

}  // namespace bptplr
