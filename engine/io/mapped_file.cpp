#include "engine/io/mapped_file.hpp"

#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>

#include "engine/error.hpp"
#include "engine/io/file.hpp"
#include "engine/io/lost_pages.hpp"

namespace bptplr {

std::shared_ptr<const MappedFile> MappedFile::open(const std::filesystem::path& path) {
  FileStatus status;
  const Descriptor file = open_if_there(path, status);
  const auto size = static_cast<std::size_t>(status.size);
  if (!file.valid() || size == 0) return nullptr;
  // A mapping outlives the descriptor that it was made from.
  void* start = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file.get(), 0);
  const int error = start == MAP_FAILED ? errno : 0;
  require(error == 0, "cannot map {} into memory: {}; free some memory", path.string(),
          reason(error));
  const std::span bytes(static_cast<const std::uint8_t*>(start), size);
  try {
    return std::shared_ptr<const MappedFile>(
        new MappedFile(bytes, status, watch_mapped(bytes, path)));
  } catch (...) {
    ::munmap(start, size);
    throw;
  }
}

MappedFile::~MappedFile() {
  watch_.reset();
  ::munmap(const_cast<std::uint8_t*>(bytes_.data()), bytes_.size());
}

void read_ahead(std::span<const std::uint8_t> bytes) {
  static const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto before = reinterpret_cast<std::uintptr_t>(bytes.data()) % page;
  // Only advice: if it is not followed, the bytes are read on first access.
  ::madvise(const_cast<std::uint8_t*>(bytes.data() - before), bytes.size() + before, MADV_WILLNEED);
}

FileBuilder::FileBuilder(const std::filesystem::path& path, const std::function<void()>& waiting)
    : path_(path), part_(path_) {
  part_ += ".part";
  while (!take_lock(waiting)) file_.close();
  const int error = ::ftruncate(file_.get(), 0) == 0 ? 0 : errno;  // left by a killed process
  if (error == 0) return;
  ::unlink(part_.c_str());
  fail(error);
}

/// Opens and locks the partial file. Returns false if its last owner renamed or removed that file
/// in the meantime, so that the lock is on a file without a name.
bool FileBuilder::take_lock(const std::function<void()>& waiting) {
  FileStatus status;
  file_ = open_to_write(part_, Existing::kKeep, status);
  require(status.owner == ::geteuid(),
          "cannot write {}: {} belongs to another user, who could change it meanwhile; choose "
          "another folder",
          path_.string(), part_.filename().string());
  if (::flock(file_.get(), LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    if (error != EWOULDBLOCK) {
      ::unlink(part_.c_str());  // where locks fail, no process has one on it
      fail(error);
    }
    constexpr std::chrono::milliseconds kPause(100);
    do {
      if (waiting) waiting();
      std::this_thread::sleep_for(kPause);
    } while (::flock(file_.get(), LOCK_EX | LOCK_NB) != 0);
  }
  return is_named(status, part_);
}

FileBuilder::~FileBuilder() {
  if (!committed_ && file_.valid()) ::unlink(part_.c_str());
}

void FileBuilder::fail(int error) const {
  throw Error("cannot write {}: {}; free some space or choose another folder", path_.string(),
              reason(error));
}

void FileBuilder::write(std::int64_t offset, std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(file_.get(), bytes.data(), bytes.size(), offset);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail(errno);
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    offset += n;
  }
}

void FileBuilder::commit() {
  if (::fsync(file_.get()) != 0 && errno != EINVAL) fail(errno);
  publish(file_);
  if (::rename(part_.c_str(), path_.c_str()) != 0) fail(errno);
  committed_ = true;
  flush_folder(path_.parent_path());
}

}  // namespace bptplr
