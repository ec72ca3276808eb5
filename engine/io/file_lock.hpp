// A mark on a folder that one process works in it.
#pragma once

#include <filesystem>

namespace bptplr {

/// Held from the constructor to the destructor, or to the end of the process, however it ends.
class FileLock {
 public:
  /// Locks `path`, which is made where it is missing and stays. Throws Error, naming the process
  /// that holds it, when it is locked, and when the file cannot be written.
  explicit FileLock(const std::filesystem::path& path);
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock();

 private:
  int file_ = -1;
};

}  // namespace bptplr
