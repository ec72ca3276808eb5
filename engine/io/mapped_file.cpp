#include "engine/io/mapped_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "engine/error.hpp"
#include "engine/io/file.hpp"

namespace bptplr {

std::shared_ptr<const MappedFile> MappedFile::open(const std::filesystem::path& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0 && (errno == ENOENT || errno == ENOTDIR)) return nullptr;
  require(file >= 0, "cannot read {}: {}; check its permissions", path.string(),
          std::strerror(errno));
  struct stat status {};
  const bool known = ::fstat(file, &status) == 0 && S_ISREG(status.st_mode);
  const auto size = static_cast<std::size_t>(known ? status.st_size : 0);
  // A mapping outlives the descriptor that it was made from.
  void* start = size > 0 ? ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file, 0) : nullptr;
  const int error = errno;
  ::close(file);
  require(known, "cannot read {}: it is not a regular file; remove it", path.string());
  require(start != MAP_FAILED, "cannot map {} into memory: {}; free some memory", path.string(),
          std::strerror(error));
  if (start == nullptr) return nullptr;
  return std::shared_ptr<const MappedFile>(
      new MappedFile({static_cast<const std::uint8_t*>(start), size}));
}

MappedFile::~MappedFile() {
  ::munmap(const_cast<std::uint8_t*>(bytes_.data()), bytes_.size());
}

void read_ahead(std::span<const std::uint8_t> bytes) {
  static const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto before = reinterpret_cast<std::uintptr_t>(bytes.data()) % page;
  // Only advice: if it is not followed, the bytes are read on first access.
  ::madvise(const_cast<std::uint8_t*>(bytes.data() - before), bytes.size() + before, MADV_WILLNEED);
}

FileBuilder::FileBuilder(const std::filesystem::path& path, const std::function<void()>& waiting)
    : path_(replaceable_file(path)), part_(path_) {
  part_ += ".part";
  try {
    while (!take_lock(waiting)) close();
    if (::ftruncate(file_, 0) != 0) fail(errno);  // left by a killed process
  } catch (...) {
    close();
    throw;
  }
}

/// Opens and locks the partial file. Returns false if its last owner renamed or removed that file
/// in the meantime, so that the lock is on a file without a name.
bool FileBuilder::take_lock(const std::function<void()>& waiting) {
  file_ = ::open(part_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (file_ < 0) fail(errno);
  if (::flock(file_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) fail(errno);
    if (waiting) waiting();
    while (::flock(file_, LOCK_EX) != 0) {
      if (errno != EINTR) fail(errno);
    }
  }
  struct stat mine {};
  struct stat named {};
  if (::fstat(file_, &mine) != 0) fail(errno);
  return ::stat(part_.c_str(), &named) == 0 && mine.st_ino == named.st_ino &&
         mine.st_dev == named.st_dev;
}

void FileBuilder::close() {
  if (file_ >= 0) ::close(file_);
  file_ = -1;
}

FileBuilder::~FileBuilder() {
  if (!committed_) ::unlink(part_.c_str());
  close();
}

void FileBuilder::fail(int error) const {
  throw Error("cannot write {}: {}; free some space or choose another folder", path_.string(),
              std::strerror(error));
}

void FileBuilder::write(std::int64_t offset, std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(file_, bytes.data(), bytes.size(), offset);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail(errno);
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    offset += n;
  }
}

void FileBuilder::commit() {
  if (::fsync(file_) != 0 && errno != EINVAL) fail(errno);
  if (::rename(part_.c_str(), path_.c_str()) != 0) fail(errno);
  committed_ = true;
  // Lets the name survive a power failure; some file systems cannot, which is not an error.
  const int folder = ::open(path_.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) {
    ::fsync(folder);
    ::close(folder);
  }
}

}  // namespace bptplr
