// Locks a folder for one process.
#pragma once

#include <filesystem>

#include "engine/io/open_file.hpp"

namespace bptplr {

/// Lock held from construction to destruction, or to the end of the process, however it ends.
class FileLock {
 public:
  /// Locks the file `path`, which is created if needed and stays. Throws Error, naming the process
  /// that holds it, when it is locked, and when the file cannot be written or is a link.
  explicit FileLock(const std::filesystem::path& path);

 private:
  Descriptor file_;
};

}  // namespace bptplr
