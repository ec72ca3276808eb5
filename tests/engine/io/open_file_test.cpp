#include "engine/io/open_file.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <string>

#include "engine/io/event_file.hpp"
#include "engine/io/file.hpp"
#include "engine/io/file_lock.hpp"
#include "engine/io/mapped_file.hpp"
#include "tests/message_of.hpp"
#include "tests/temporary_folder.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

/// Makes a socket of that name.
void make_socket(const std::string& path) {
  const int file = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(file, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ::close(file);
}

mode_t mode_of(const std::string& path) {
  struct stat status {};
  EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
  return status.st_mode & 0777;
}

class OpenFileTest : public ::testing::Test {
 protected:
  OpenFileTest() {
    fs::create_directories(folder_ / "folder");
    EXPECT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
    make_socket(folder_ / "socket");
    std::ofstream(folder_ / "victim") << "precious";
    fs::create_symlink(folder_ / "victim", folder_ / "link");
    fs::create_symlink(folder_ / "nothing", folder_ / "dangling");
  }

  TemporaryFolder folder_;
};

/// Everything that reads a file, by what it is called.
const std::pair<const char*, std::function<void(const std::string&)>> kReaders[] = {
    {"read_file", [](const std::string& path) { read_file(path); }},
    {"MappedFile", [](const std::string& path) { MappedFile::open(path); }}};

TEST_F(OpenFileTest, NothingButRegularFilesIsReadAndNothingWaits) {
  for (const auto& [what, read] : kReaders) {
    for (const char* name : {"pipe", "socket", "folder"}) {
      const std::string path = folder_ / name;
      EXPECT_EQ(message_of([&, &reader = read] { reader(path); }),
                "cannot read " + path + ": it is not a regular file; check the path")
          << what;
    }
    EXPECT_NE(message_of([&reader = read] { reader("/dev/zero"); }).find("not a regular file"),
              std::string::npos);
  }
  EXPECT_EQ(read_file(folder_ / "link"), "precious") << "a link is as good for reading";
}

TEST_F(OpenFileTest, NoLinkIsFollowedForWriting) {
  for (const char* name : {"link", "dangling"}) {
    const std::string path = folder_ / name;
    EXPECT_NE(message_of([&] { append_to_file(path, "x"); }).find("is a symbolic link"),
              std::string::npos);
    EXPECT_NE(message_of([&] { const FileLock lock(path); }).find("is a symbolic link"),
              std::string::npos);
    fs::copy_symlink(path, path + ".images.part");
    EXPECT_NE(message_of([&] { FileBuilder(path + ".images", nullptr); }).find("symbolic link"),
              std::string::npos);
    // A new file is put in the place of a link, and of one at NAME.part.
    fs::copy_symlink(path, path + ".part");
    write_file_atomically(path, "new");
    EXPECT_TRUE(fs::is_regular_file(fs::symlink_status(path))) << path;
    EXPECT_EQ(read_file(path), "new");
  }
  EXPECT_EQ(read_file(folder_ / "victim"), "precious");
  EXPECT_FALSE(fs::exists(folder_ / "nothing"));
}

TEST_F(OpenFileTest, NothingIsWrittenToWhatIsNoFile) {
  for (const char* name : {"pipe", "socket", "folder"}) {
    const std::string path = folder_ / name;
    EXPECT_FALSE(message_of([&] { append_to_file(path, "x"); }).empty()) << name;
    EXPECT_FALSE(message_of([&] { const FileLock lock(path); }).empty()) << name;
    EXPECT_FALSE(message_of([&] { write_file_atomically(path, "x"); }).empty()) << name;
  }
}

TEST_F(OpenFileTest, NewFilesAndFoldersAreTheirOwnersToChange) {
  const mode_t before = ::umask(0);
  write_file_atomically(folder_ / "file", "x");
  append_to_file(folder_ / "log", "x");
  make_folders(folder_ / "a/b/");
  const FileLock lock(folder_ / "lock");
  EventFile events(folder_.path());
  FileBuilder builder(folder_ / "built", nullptr);
  EXPECT_EQ(mode_of(folder_ / "built.part"), 0600U) << "private while it is temporary";
  builder.commit();
  ::umask(027);
  write_file_atomically(folder_ / "group", "x");
  ::umask(before);
  for (const char* name : {"file", "log", "lock", "built"}) {
    EXPECT_EQ(mode_of(folder_ / name), 0644U) << name;
  }
  EXPECT_EQ(mode_of(events.path()), 0644U);
  EXPECT_EQ(mode_of(folder_ / "a"), 0755U);
  EXPECT_EQ(mode_of(folder_ / "a/b"), 0755U);
  EXPECT_EQ(mode_of(folder_ / "group"), 0640U);
}

TEST_F(OpenFileTest, ALockNamesItsHolderUntilItEnds) {
  const fs::path path = folder_.path() / "lock";
  std::optional<FileLock> lock = FileLock::if_free(path);
  ASSERT_TRUE(lock);
  EXPECT_FALSE(FileLock::if_free(path));
  const std::string holder = lock_holder(path);
  EXPECT_TRUE(holder.starts_with("process " + std::to_string(::getpid()) + " on ")) << holder;
  const std::string sentence =
      message_of([&] { FileLock::wait_for(path, std::chrono::seconds(0)); });
  EXPECT_NE(sentence.find(" is in use by " + holder), std::string::npos) << sentence;
  lock.reset();
  FileLock::wait_for(path, std::chrono::seconds(0));
  EXPECT_EQ(lock_holder(folder_ / "nothing"), "another process");
}

TEST_F(OpenFileTest, WhatTheSystemRefusesIsSaidInOurWords) {
  const std::string path = folder_ / std::string(300, 'a');
  const std::string sentence = "cannot look at " + path + ": File name too long; choose a shorter";
  EXPECT_NE(message_of([&] { path_exists(path); }).find(sentence), std::string::npos);
  EXPECT_NE(message_of([&] { write_file_atomically(path, ""); }).find(sentence), std::string::npos);
  EXPECT_NE(message_of([&] { make_folders(path); }).find("File name too long"), std::string::npos);
  EXPECT_FALSE(path_exists(folder_ / "nothing/at/all"));
  EXPECT_FALSE(path_exists(folder_ / "victim/below"));
  EXPECT_FALSE(path_exists(folder_ / "dangling"));
  EXPECT_TRUE(is_folder(folder_ / "folder"));
  EXPECT_TRUE(is_file(folder_ / "link"));
  EXPECT_FALSE(is_file(folder_ / "pipe"));
}

TEST_F(OpenFileTest, AnOutputOfTheUserMayBeALink) {
  EXPECT_EQ(output_file(folder_ / "link"), fs::canonical(folder_ / "victim"));
  EXPECT_EQ(output_file(folder_ / "new"), folder_ / "new");
  EXPECT_FALSE(message_of([&] { output_file(folder_ / "pipe"); }).empty());
}

using LostPagesDeathTest = OpenFileTest;

TEST_F(LostPagesDeathTest, AMappedFileThatIsCutShortEndsInASentence) {
  struct sigaction now {};
  ASSERT_EQ(::sigaction(SIGBUS, nullptr, &now), 0);
  if ((now.sa_flags & SA_SIGINFO) != 0 || now.sa_handler != SIG_DFL) {
    GTEST_SKIP() << "something else handles SIGBUS here: a sanitizer";
  }
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  const std::string path = folder_ / "mapped";
  std::ofstream(path) << std::string(100'000, 'x');
  const auto read_after_cut = [&] {
    const auto file = MappedFile::open(path);
    fs::resize_file(path, 4096);
    volatile std::uint8_t byte = 0;
    for (const std::uint8_t b : file->bytes()) byte = byte + b;
  };
  EXPECT_EXIT(read_after_cut(), ::testing::ExitedWithCode(1),
              "bptplr: error: .*mapped: some of it cannot be read any more");
}

}  // namespace
}  // namespace bptplr
