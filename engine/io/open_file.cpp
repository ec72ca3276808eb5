#include "engine/io/open_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>
#include <string_view>
#include <utility>

#include "engine/error.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kPrivate = 0600;
constexpr mode_t kNewFile = 0644;

FileStatus status_of(const struct stat& status) {
  constexpr mode_t kPermissions = 07777;
  return {std::int64_t{status.st_size}, std::uint64_t{status.st_dev}, std::uint64_t{status.st_ino},
          status.st_uid, status.st_mode & kPermissions};
}

/// Returns what to do about an error of opening or looking at `path`.
const char* remedy(int error) {
  switch (error) {
    case ENAMETOOLONG:
      return "choose a shorter name";
    case EACCES:
    case EPERM:
      return "check its permissions and those of its folders";
    case EMFILE:
    case ENFILE:
      return "raise the limit of open files (ulimit -n)";
    default:
      return "check the path";
  }
}

/// Returns the status of an open file. Throws Error unless it is regular.
FileStatus regular_status(const Descriptor& file, const fs::path& path, const char* doing) {
  struct stat status {};
  const int error = ::fstat(file.get(), &status) == 0 ? 0 : errno;
  require(error == 0, "cannot {} {}: {}; check the disk", doing, path.string(), reason(error));
  require(S_ISREG(status.st_mode), "cannot {} {}: it is not a regular file; check the path", doing,
          path.string());
  return status_of(status);
}

/// Returns the umask. It can only be asked for by changing it, which other threads would notice, so
/// it is read from where the system shows it.
mode_t current_umask() {
  constexpr mode_t kUsual = 022;
  std::ifstream lines("/proc/self/status");
  for (std::string line; std::getline(lines, line);) {
    constexpr std::string_view kName = "Umask:";
    if (line.starts_with(kName)) {
      return static_cast<mode_t>(std::strtoul(line.c_str() + kName.size(), nullptr, 8));
    }
  }
  return kUsual;
}

/// Returns what stat says; nothing if there is no such file. Throws Error when it cannot tell.
std::optional<struct stat> look_at(const fs::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0) return status;
  const int error = errno;
  if (error == ENOENT || error == ENOTDIR) return {};
  throw Error("cannot look at {}: {}; {}", path.string(), reason(error), remedy(error));
}

}  // namespace

Descriptor::Descriptor(Descriptor&& other) noexcept : file_(std::exchange(other.file_, -1)) {}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this == &other) return *this;
  close();
  file_ = std::exchange(other.file_, -1);
  return *this;
}

void Descriptor::close() {
  if (file_ >= 0) ::close(file_);
  file_ = -1;
}

std::string reason(int error) {
  return std::strerror(error);
}

Descriptor open_to_read(const fs::path& path, FileStatus& status) {
  // O_NONBLOCK: opening a pipe would wait for its other end. It changes nothing for a file.
  Descriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  const int error = file.valid() ? 0 : errno;
  // A socket, and a device without a driver, cannot be opened at all.
  require(error != ENXIO, "cannot read {}: it is not a regular file; check the path",
          path.string());
  require(error == 0, "cannot read {}: {}; {}", path.string(), reason(error), remedy(error));
  status = regular_status(file, path, "read");
  return file;
}

Descriptor open_if_there(const fs::path& path, FileStatus& status) {
  return look_at(path) ? open_to_read(path, status) : Descriptor();
}

Descriptor open_to_write(const fs::path& path, Existing existing, FileStatus& status) {
  int how = O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  if (existing == Existing::kReplace) {
    how |= O_EXCL;
    ::unlink(path.c_str());  // if it fails for another reason than that none is there, so does open
  }
  Descriptor file(::open(path.c_str(), how, kPrivate));
  const int error = file.valid() ? 0 : errno;
  require(error != ELOOP, "cannot write {}: it is a symbolic link; remove it", path.string());
  require(error != ENXIO, "cannot write {}: it is not a regular file; remove it", path.string());
  require(
      error == 0, "cannot write {}: {}; {}", path.string(), reason(error),
      error == ENAMETOOLONG ? "choose a shorter name" : "choose a folder that you may write to");
  status = regular_status(file, path, "write");
  return file;
}

void publish(const Descriptor& file) {
  // Some file systems have no permissions, which is not an error.
  static_cast<void>(::fchmod(file.get(), kNewFile & ~current_umask()));
}

bool is_named(const FileStatus& status, const fs::path& path) {
  struct stat named {};
  return ::lstat(path.c_str(), &named) == 0 && std::uint64_t{named.st_ino} == status.inode &&
         std::uint64_t{named.st_dev} == status.device;
}

bool path_exists(const fs::path& path) {
  return look_at(path).has_value();
}

bool is_folder(const fs::path& path) {
  const auto status = look_at(path);
  return status && S_ISDIR(status->st_mode);
}

bool is_file(const fs::path& path) {
  const auto status = look_at(path);
  return status && S_ISREG(status->st_mode);
}

}  // namespace bptplr
