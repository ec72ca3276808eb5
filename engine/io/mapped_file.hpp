// Maps files for reading, and builds files that appear under their name only when complete.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>

namespace bptplr {

/// Bytes of a file. They are read from the disk on first access, and the system can drop them from
/// memory at any time.
class MappedFile {
 public:
  /// Maps a file; returns nullptr if it is missing or empty. Throws Error when it cannot be mapped.
  static std::shared_ptr<const MappedFile> open(const std::filesystem::path& path);
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  std::span<const std::uint8_t> bytes() const { return bytes_; }

 private:
  explicit MappedFile(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  std::span<const std::uint8_t> bytes_;
};

/// Asks the system to read these bytes of a mapped file, without waiting for them.
void read_ahead(std::span<const std::uint8_t> bytes);

/// Writes PATH.part, which is renamed to PATH on commit. Only one process builds a path at a time:
/// others wait for it, and take over if it is killed.
class FileBuilder {
 public:
  /// Calls `waiting` once if another process builds the file. Throws Error when the folder is not
  /// writable or cannot lock files, or a file that is not regular has this name (replaceable_file).
  FileBuilder(const std::filesystem::path& path, const std::function<void()>& waiting);
  FileBuilder(const FileBuilder&) = delete;
  FileBuilder& operator=(const FileBuilder&) = delete;
  /// Removes the file unless committed.
  ~FileBuilder();

  /// Writes bytes at `offset`. Throws Error when the disk is full.
  void write(std::int64_t offset, std::span<const std::uint8_t> bytes);
  /// Flushes the file to the disk and renames it. Throws Error on failure.
  void commit();

 private:
  bool take_lock(const std::function<void()>& waiting);
  void close();
  [[noreturn]] void fail(int error) const;

  std::filesystem::path path_;
  std::filesystem::path part_;
  int file_ = -1;
  bool committed_ = false;
};

}  // namespace bptplr
