// Locks a folder for one process.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "engine/io/open_file.hpp"

namespace bptplr {

/// Lock held from construction to destruction, or to the end of the process, however it ends.
class FileLock {
 public:
  /// Locks the file `path`, which is created if needed and stays. Throws Error, naming the process
  /// that holds it, when it is locked, and when the file cannot be written or is a link.
  explicit FileLock(const std::filesystem::path& path);
  /// Likewise, but returns nothing when it is locked.
  static std::optional<FileLock> if_free(const std::filesystem::path& path);
  /// Likewise, but waits for a holder, who has it for a moment only; throws Error after `patience`.
  static FileLock wait_for(const std::filesystem::path& path, std::chrono::seconds patience);

 private:
  explicit FileLock(Descriptor file) : file_(std::move(file)) {}

  Descriptor file_;
};

/// Returns who has locked `path`, or did last: "process 123 on HOST"; "another process" where that
/// cannot be read.
std::string lock_holder(const std::filesystem::path& path);

}  // namespace bptplr
