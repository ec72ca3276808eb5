#include "engine/io/file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "engine/error.hpp"
#include "tests/message_of.hpp"
#include "tests/temporary_folder.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

class FileTest : public ::testing::Test {
 protected:
  FileTest() { fs::create_directories(folder_ / "real"); }

  TemporaryFolder folder_;
};

TEST_F(FileTest, ALinkIsReplacedUnlessTheUserNamesItForOutput) {
  write_file_atomically(folder_ / "real/file", "old");
  fs::create_symlink("real/file", folder_ / "link");
  write_file_atomically(output_file(folder_ / "link"), "new");
  EXPECT_TRUE(fs::is_symlink(folder_ / "link"));
  EXPECT_EQ(read_file(folder_ / "real/file"), "new");
  write_file_atomically(folder_ / "link", "other");
  EXPECT_FALSE(fs::is_symlink(folder_ / "link"));
  EXPECT_EQ(read_file(folder_ / "real/file"), "new");
  EXPECT_FALSE(fs::exists(folder_ / "link.part"));
  EXPECT_FALSE(fs::exists(folder_ / "real/file.part"));
}

TEST_F(FileTest, WhatIsNoRegularFileIsNotReplaced) {
  ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  for (const char* name : {"pipe", "real"}) {
    EXPECT_THROW(write_file_atomically(folder_ / name, "new"), Error) << name;
  }
  EXPECT_TRUE(fs::is_fifo(folder_ / "pipe"));
  EXPECT_TRUE(fs::is_directory(folder_ / "real"));
}

TEST_F(FileTest, FailedWritesSayWhereAndLeaveNothing) {
  const std::string path = folder_ / "no_such_folder/file";
  EXPECT_NE(message_of([&] { write_file_atomically(path, "x"); }).find(path), std::string::npos);
  EXPECT_NE(message_of([&] { read_file(folder_.path()); }).find("not a regular file"),
            std::string::npos);
  EXPECT_FALSE(message_of([&] { write_file_atomically("/dev/full/x", "x"); }).empty());
}

}  // namespace
}  // namespace bptplr
