#include "engine/io/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "engine/error.hpp"
#include "engine/io/open_file.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail_write(const fs::path& path, int error) {
  throw Error("cannot write {}: {}; free some space or choose another folder", path.string(),
              reason(error));
}

/// Writes and flushes all bytes; returns 0 or the system's error number.
int write_all(const Descriptor& file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(file.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return ::fsync(file.get()) == 0 || errno == EINVAL ? 0 : errno;
}

}  // namespace

std::string read_file(const fs::path& path) {
  FileStatus status;
  const Descriptor file = open_to_read(path, status);
  std::string bytes(static_cast<std::size_t>(status.size), '\0');
  std::size_t filled = 0;
  while (filled < bytes.size()) {
    const ssize_t n = ::read(file.get(), bytes.data() + filled, bytes.size() - filled);
    const int error = errno;
    if (n < 0 && error == EINTR) continue;
    require(n >= 0, "cannot read {}: {}; check the disk", path.string(), reason(error));
    if (n == 0) break;
    filled += static_cast<std::size_t>(n);
  }
  bytes.resize(filled);
  return bytes;
}

fs::path output_file(const fs::path& path) {
  if (!path_exists(path)) return path;
  require(is_file(path), "cannot write {}: it is no regular file; choose another name",
          path.string());
  std::error_code none;
  return fs::canonical(path, none);
}

void write_file_atomically(const fs::path& path, std::string_view bytes) {
  // A rename would replace a pipe or a socket of this name without a word.
  require(!path_exists(path) || is_file(path),
          "cannot write {}: it is no regular file; remove it, or choose another name",
          path.string());
  fs::path part = path;
  part += ".part";
  FileStatus status;
  const Descriptor file = open_to_write(part, Existing::kReplace, status);
  int error = write_all(file, bytes);
  publish(file);
  if (error == 0 && ::rename(part.c_str(), path.c_str()) != 0) error = errno;
  if (error != 0) {
    ::unlink(part.c_str());
    fail_write(path, error);
  }
  flush_folder(path.parent_path());
}

void make_folders(const fs::path& path) {
  constexpr mode_t kNewFolder = 0755;
  fs::path folder;
  int error = 0;
  for (const fs::path& name : path) {
    folder /= name;
    error = ::mkdir(folder.c_str(), kNewFolder) == 0 ? 0 : errno;
  }
  // mkdir also fails for what exists, and for parents that may not be written to.
  if (error == 0 || (error == EEXIST && is_folder(path))) return;
  throw Error("cannot make the folder {}: {}; choose another one", path.string(),
              error == EEXIST ? "a file of that name is in the way" : reason(error));
}

void append_to_file(const fs::path& path, std::string_view bytes) {
  FileStatus status;
  const Descriptor file = open_to_write(path, Existing::kKeep, status);
  if (status.size == 0) publish(file);
  int error = ::lseek(file.get(), 0, SEEK_END) >= 0 ? 0 : errno;
  if (error == 0) error = write_all(file, bytes);
  if (error == 0) return;
  [[maybe_unused]] const int shortened = ::ftruncate(file.get(), off_t{status.size});
  fail_write(path, error);
}

void flush_folder(const fs::path& folder) {
  const Descriptor file(
      ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (file.valid()) ::fsync(file.get());
}

}  // namespace bptplr
