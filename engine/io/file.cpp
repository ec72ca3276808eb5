#include "engine/io/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "engine/error.hpp"

namespace bptplr {
namespace {

/// Owns a file descriptor and closes it.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }

 private:
  int fd_;
};

/// Returns the system's message of an error number.
std::string reason(int error) {
  return std::strerror(error);
}

[[noreturn]] void fail_write(const std::filesystem::path& path, int error) {
  throw Error("cannot write {}: {}; free some space or choose another folder", path.string(),
              reason(error));
}

/// Writes and flushes all bytes; returns 0 or the system's error number.
int write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return ::fsync(fd) == 0 || errno == EINVAL ? 0 : errno;
}

/// Flushes a folder, so that the name of a new file survives a power failure.
void flush_folder(const std::filesystem::path& folder) {
  const Descriptor file(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.valid()) ::fsync(file.get());
}

}  // namespace

std::string read_file(const std::filesystem::path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  require(file.valid(), "cannot read {}: {}; check the path", path.string(), reason(errno));
  struct stat status {};
  require(::fstat(file.get(), &status) == 0, "cannot read {}: {}", path.string(), reason(errno));
  require(S_ISREG(status.st_mode), "cannot read {}: it is not a regular file; check the path",
          path.string());
  std::string bytes(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t filled = 0;
  while (filled < bytes.size()) {
    const ssize_t n = ::read(file.get(), bytes.data() + filled, bytes.size() - filled);
    if (n < 0 && errno == EINTR) continue;
    require(n >= 0, "cannot read {}: {}", path.string(), reason(errno));
    if (n == 0) break;
    filled += static_cast<std::size_t>(n);
  }
  bytes.resize(filled);
  return bytes;
}

std::filesystem::path replaceable_file(const std::filesystem::path& path) {
  std::error_code none;
  const auto status = std::filesystem::status(path, none);
  if (!std::filesystem::exists(status)) return path;
  require(std::filesystem::is_regular_file(status),
          "cannot write {}: it is no regular file; choose another name", path.string());
  return std::filesystem::canonical(path, none);
}

void write_file_atomically(const std::filesystem::path& name, std::string_view bytes) {
  const std::filesystem::path path = replaceable_file(name);
  std::filesystem::path part = path;
  part += ".part";
  {
    const Descriptor file(::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    require(file.valid(), "cannot write {}: {}; choose a folder that you may write to",
            path.string(), reason(errno));
    int error = write_all(file.get(), bytes);
    if (error == 0 && ::rename(part.c_str(), path.c_str()) != 0) error = errno;
    if (error != 0) {
      ::unlink(part.c_str());
      fail_write(path, error);
    }
  }
  flush_folder(path.parent_path());
}

void make_folders(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  // create_directories also fails for an existing folder named e.g. "runs/x/".
  require(std::filesystem::is_directory(path), "cannot make the folder {}: {}; choose another one",
          path.string(), error ? error.message() : "a file of that name is in the way");
}

void append_to_file(const std::filesystem::path& path, std::string_view bytes) {
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  require(file.valid(), "cannot write {}: {}; choose a folder that you may write to", path.string(),
          reason(errno));
  struct stat status {};
  require(::fstat(file.get(), &status) == 0, "cannot write {}: {}", path.string(), reason(errno));
  const int error = write_all(file.get(), bytes);
  if (error == 0) return;
  [[maybe_unused]] const int shortened = ::ftruncate(file.get(), status.st_size);
  fail_write(path, error);
}

}  // namespace bptplr
