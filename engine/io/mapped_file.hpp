// Maps files for reading, and builds files that appear under their name only when complete.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <utility>

#include "engine/io/open_file.hpp"

namespace bptplr {

/// Bytes of a file. They are read from the disk on first access, and the system can drop them from
/// memory at any time.
class MappedFile {
 public:
  /// Maps a file; returns nullptr if it is missing or empty. Throws Error when it cannot be mapped.
  /// If its bytes are lost while it is mapped, the process ends with a sentence (lost_pages.hpp).
  static std::shared_ptr<const MappedFile> open(const std::filesystem::path& path);
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  std::span<const std::uint8_t> bytes() const { return bytes_; }
  const FileStatus& status() const { return status_; }

 private:
  MappedFile(std::span<const std::uint8_t> bytes, const FileStatus& status,
             std::shared_ptr<const void> watch)
      : bytes_(bytes), status_(status), watch_(std::move(watch)) {}

  std::span<const std::uint8_t> bytes_;
  FileStatus status_;
  std::shared_ptr<const void> watch_;  ///< of lost pages
};

/// Asks the system to read these bytes of a mapped file, without waiting for them.
void read_ahead(std::span<const std::uint8_t> bytes);

/// Writes PATH.part, which is renamed to PATH on commit. Only one process builds a path at a time:
/// others wait for it, and take over if it is killed. Never follows a link of either name.
class FileBuilder {
 public:
  /// Calls `waiting`, which may throw to give up, ten times a second while another process builds
  /// the file. Throws Error when the folder is not writable or cannot lock files, or PATH.part is a
  /// link, a device or another user's.
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
  [[noreturn]] void fail(int error) const;

  std::filesystem::path path_;
  std::filesystem::path part_;
  Descriptor file_;
  bool committed_ = false;
};

}  // namespace bptplr
