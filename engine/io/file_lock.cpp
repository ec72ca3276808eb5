#include "engine/io/file_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <string>
#include <utility>

#include "engine/error.hpp"

namespace bptplr {
namespace {

/// Returns the holder as it has written itself: "process 123 on HOST".
std::string holder(int file) {
  std::array<char, 400> text{};
  const ssize_t n = ::pread(file, text.data(), text.size() - 1, 0);
  return n > 0 ? std::string(text.data()) : "another process";
}

}  // namespace

FileLock::FileLock(const std::filesystem::path& path)
    : file_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)) {
  require(file_ >= 0, "cannot write {}: {}; choose a folder that you may write to", path.string(),
          std::strerror(errno));
  if (::flock(file_, LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    const std::string who = holder(file_);
    ::close(file_);
    if (error == EWOULDBLOCK) {
      throw Error("{} is in use by {}; wait for it, stop it, or choose another folder",
                  path.parent_path().string(), who);
    }
    throw Error("cannot lock {}: {}; choose a folder on a file system with locks", path.string(),
                std::strerror(error));
  }
  // Used only in the message of the next process, so a full disk does not matter.
  std::array<char, HOST_NAME_MAX + 1> host{};
  ::gethostname(host.data(), host.size() - 1);
  const std::string text = fmt::format("process {} on {}", ::getpid(), host.data());
  if (::ftruncate(file_, 0) == 0) {
    [[maybe_unused]] const ssize_t written = ::pwrite(file_, text.data(), text.size(), 0);
  }
}

FileLock::FileLock(FileLock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}

FileLock::~FileLock() {
  if (file_ >= 0) ::close(file_);
}

}  // namespace bptplr
