// Zip archives whose entries are stored as they are, not compressed: what torch.save writes.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace bptplr {

/// An archive in memory. Offsets, lengths and checksums are those of its central directory, each
/// checked against the bytes that are there.
class ZipArchive {
 public:
  /// `name` is the file's name in errors. Throws Error for bytes that are no zip archive, whose
  /// directory does not fit them, or beyond 4 GiB, where zip files are of another kind.
  ZipArchive(std::string bytes, std::string name);
  ZipArchive(const ZipArchive&) = delete;
  ZipArchive& operator=(const ZipArchive&) = delete;

  struct Entry {
    std::uint32_t checksum = 0;
    std::uint32_t offset = 0;  ///< of the local header
    std::uint32_t size = 0;
    bool stored = false;  ///< neither compressed nor encrypted
  };
  const std::map<std::string, Entry, std::less<>>& entries() const { return entries_; }
  /// What an entry holds. Throws Error when there is none of that name, when it is compressed, lies
  /// outside the archive or has another checksum than the directory says.
  std::string_view read(std::string_view entry) const;
  /// Bytes of the whole archive.
  std::size_t size() const { return bytes_.size(); }

 private:
  void read_directory();

  std::string bytes_;
  std::string name_;
  std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace bptplr
