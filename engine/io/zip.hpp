// Reads zip archives with uncompressed entries, as written by torch.save and numpy.savez.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "engine/io/budget.hpp"

namespace bptplr {

/// Archive in memory. Offsets, lengths and checksums come from its central directory and are
/// checked against the bytes present.
class ZipArchive {
 public:
  /// Parses `bytes`; `name` is the file's name in errors. Throws Error for bytes that are not a zip
  /// archive, whose directory does not match them, or beyond 4 GiB, which need another zip format.
  ZipArchive(std::string bytes, std::string name);
  /// Parses bytes that are not its own and must outlive it, likewise.
  ZipArchive(std::string_view bytes, std::string name);
  ZipArchive(const ZipArchive&) = delete;
  ZipArchive& operator=(const ZipArchive&) = delete;

  struct Entry {
    std::uint32_t checksum = 0;
    std::uint32_t offset = 0;  ///< offset of the local header
    std::uint32_t size = 0;
    bool stored = false;  ///< neither compressed nor encrypted
  };
  const std::map<std::string, Entry, std::less<>>& entries() const { return entries_; }
  /// Returns the content of an entry. Throws Error when there is none of that name, it is
  /// compressed, lies outside the archive or does not match its checksum in the directory; and when
  /// entries share their bytes, so that reading all would take far longer than reading the file.
  std::string_view read(std::string_view entry);
  /// Returns the size of the whole archive in bytes.
  std::size_t size() const { return bytes_.size(); }

 private:
  void read_directory();

  std::string own_;
  std::string_view bytes_;
  std::string name_;
  Budget budget_;
  std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace bptplr
