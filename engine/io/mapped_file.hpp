// Files mapped into memory for reading, and files that appear under their name only when whole.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>

namespace bptplr {

/// The bytes of a file. They are read from the disk when they are looked at, and can be dropped
/// from memory again at any time.
class MappedFile {
 public:
  /// nullptr where there is no such file, or an empty one. Throws Error when it cannot be mapped.
  static std::shared_ptr<const MappedFile> open(const std::filesystem::path& path);
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  std::span<const std::uint8_t> bytes() const { return bytes_; }

 private:
  explicit MappedFile(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  std::span<const std::uint8_t> bytes_;
};

/// Has the system begin to read these bytes of a mapped file, without waiting for them.
void read_ahead(std::span<const std::uint8_t> bytes);

/// Writes PATH.part, which becomes PATH on commit. One process builds a path at a time: the others
/// wait for it, and take over where it was killed.
class FileBuilder {
 public:
  /// `waiting` is called, once, when another process is at it. Throws Error when the folder is not
  /// writable or cannot lock files, or where no regular file is in the way (replaceable_file).
  FileBuilder(const std::filesystem::path& path, const std::function<void()>& waiting);
  FileBuilder(const FileBuilder&) = delete;
  FileBuilder& operator=(const FileBuilder&) = delete;
  /// Removes what was not committed.
  ~FileBuilder();

  /// Throws Error when the disk is full.
  void write(std::int64_t offset, std::span<const std::uint8_t> bytes);
  /// Flushes everything to the disk and renames. Throws Error when that fails.
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
