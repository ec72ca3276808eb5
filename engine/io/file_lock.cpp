#include "engine/io/file_lock.hpp"

#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <string>
#include <utility>

#include "engine/error.hpp"

namespace bptplr {
namespace {

/// Returns the holder as it has written itself: "process 123 on HOST".
std::string holder(const Descriptor& file) {
  std::array<char, 400> text{};
  const ssize_t n = ::pread(file.get(), text.data(), text.size() - 1, 0);
  return n > 0 ? std::string(text.data()) : "another process";
}

}  // namespace

FileLock::FileLock(const std::filesystem::path& path) {
  FileStatus status;
  file_ = open_to_write(path, Existing::kKeep, status);
  if (::flock(file_.get(), LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    require(error != EWOULDBLOCK,
            "{} is in use by {}; wait for it, stop it, or choose another folder",
            path.parent_path().string(), holder(file_));
    throw Error("cannot lock {}: {}; choose a folder on a file system with locks", path.string(),
                reason(error));
  }
  publish(file_);
  // Used only in the message of the next process, so a full disk does not matter.
  std::array<char, HOST_NAME_MAX + 1> host{};
  ::gethostname(host.data(), host.size() - 1);
  const std::string text = fmt::format("process {} on {}", ::getpid(), host.data());
  if (::ftruncate(file_.get(), 0) == 0) {
    [[maybe_unused]] const ssize_t written = ::pwrite(file_.get(), text.data(), text.size(), 0);
  }
}

}  // namespace bptplr
