// Locks a folder for one process.
#pragma once

#include <filesystem>

namespace bptplr {

/// Lock held from construction to destruction, or to the end of the process, however it ends.
class FileLock {
 public:
  /// Locks the file `path`, which is created if needed and stays. Throws Error, naming the process
  /// that holds it, when it is locked, and when the file cannot be written.
  explicit FileLock(const std::filesystem::path& path);
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock();

 private:
  int file_ = -1;
};

}  // namespace bptplr
