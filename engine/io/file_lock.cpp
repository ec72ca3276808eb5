#include "engine/io/file_lock.hpp"

#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <string>
#include <thread>
#include <utility>

#include "engine/error.hpp"
#include "engine/io/file.hpp"

namespace bptplr {
namespace {

constexpr std::chrono::milliseconds kPause{10};
constexpr std::size_t kLongestHolder = 400;

/// Writes who holds the lock. Others only show it, so a full disk does not matter.
void sign(const Descriptor& file) {
  std::array<char, HOST_NAME_MAX + 1> host{};
  ::gethostname(host.data(), host.size() - 1);
  const std::string text = fmt::format("process {} on {}", ::getpid(), host.data());
  if (::ftruncate(file.get(), 0) == 0) {
    [[maybe_unused]] const ssize_t written = ::pwrite(file.get(), text.data(), text.size(), 0);
  }
}

[[noreturn]] void fail_locked(const std::filesystem::path& path) {
  throw Error("{} is in use by {}; wait for it, stop it, or choose another folder",
              path.parent_path().string(), lock_holder(path));
}

}  // namespace

// The system releases a lock of flock when its process ends, be it by SIGKILL. Linux makes it a
// lock of the server's on NFS (since 2.6.12; not where it is mounted with local_lock or nolock), so
// that it holds between hosts; that of a host which is gone ends with its lease, after a minute or
// two. Lustre needs the mount option flock.
std::optional<FileLock> FileLock::if_free(const std::filesystem::path& path) {
  FileStatus status;
  Descriptor file = open_to_write(path, Existing::kKeep, status);
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    if (error == EWOULDBLOCK) return {};
    throw Error("cannot lock {}: {}; choose a folder on a file system with locks", path.string(),
                reason(error));
  }
  publish(file);
  sign(file);
  return FileLock(std::move(file));
}

FileLock::FileLock(const std::filesystem::path& path) {
  std::optional<FileLock> lock = if_free(path);
  if (!lock) fail_locked(path);
  file_ = std::move(lock->file_);
}

FileLock FileLock::wait_for(const std::filesystem::path& path, std::chrono::seconds patience) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (true) {
    if (std::optional<FileLock> lock = if_free(path)) return std::move(*lock);
    if (std::chrono::steady_clock::now() >= end) fail_locked(path);
    std::this_thread::sleep_for(kPause);
  }
}

std::string lock_holder(const std::filesystem::path& path) {
  try {
    const std::string text = read_file(path);
    if (!text.empty()) return text.substr(0, kLongestHolder);
  } catch (const Error&) {
    // It is of another user, or gone.
  }
  return "another process";
}

}  // namespace bptplr
