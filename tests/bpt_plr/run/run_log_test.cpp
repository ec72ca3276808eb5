#include "bpt_plr/run/run_log.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "engine/error.hpp"
#include "engine/io/file.hpp"
#include "tests/temporary_folder.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

TEST(RunLog, LinesThatCannotBeWrittenStayUntilTheyCan) {
  const TemporaryFolder folder;
  const fs::path file = folder.path() / "log";
  RunLog log(file);
  log.add("1\n");
  log.write();
  fs::rename(file, folder.path() / "aside");
  fs::create_directory(file);
  log.add("2\n");
  EXPECT_THROW(log.write(), Error);
  log.add("3\n");
  EXPECT_THROW(log.write(), Error);
  EXPECT_EQ(log.unwritten(), "2\n3\n");
  fs::remove(file);
  log.write();
  EXPECT_EQ(log.unwritten(), "");
  EXPECT_EQ(read_file(file), "1\n2\n3\n") << "whole again, though the file had gone";
}

TEST(RunLog, GoesOnWithWhatTheFileHas) {
  const TemporaryFolder folder;
  const fs::path file = folder.path() / "log";
  write_file_atomically(file, "1\n");
  RunLog log(file);
  EXPECT_EQ(log.unwritten(), "");
  log.add("2\n");
  log.write();
  EXPECT_EQ(read_file(file), "1\n2\n");
  write_file_atomically(file, "");  // emptied by somebody
  log.add("3\n");
  log.write();
  EXPECT_EQ(read_file(file), "1\n2\n3\n");
}

TEST(RunLog, NoLinesMakeNoFile) {
  const TemporaryFolder folder;
  RunLog log(folder.path() / "log");
  log.write();
  EXPECT_FALSE(fs::exists(folder.path() / "log"));
}

}  // namespace
}  // namespace bptplr
