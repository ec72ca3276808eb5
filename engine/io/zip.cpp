// Format: PKWARE's APPNOTE.TXT, sections 4.3.7 (local header), 4.3.12 (central directory) and
// 4.3.16 (end of central directory). All numbers are little-endian.
#include "engine/io/zip.hpp"

#include <zlib.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "engine/error.hpp"

namespace bptplr {
namespace {

static_assert(std::endian::native == std::endian::little, "zip files are little-endian");

constexpr std::uint32_t kLocalSignature = 0x04034b50;
constexpr std::uint32_t kDirectorySignature = 0x02014b50;
constexpr std::uint32_t kEndSignature = 0x06054b50;
constexpr std::size_t kLocalBytes = 30;
constexpr std::size_t kDirectoryBytes = 46;
constexpr std::size_t kEndBytes = 22;
constexpr std::size_t kMaxCommentBytes = 0xffff;
/// Value of a field whose number is too large for it.
constexpr std::uint32_t kTooLarge = 0xffffffff;
constexpr std::uint16_t kEncrypted = 1;

template <class T>
T number(std::string_view bytes, std::size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

/// Returns the offset of the end record of the directory: the last place that has its signature and
/// ends exactly at the end of the file; npos if there is none.
std::size_t find_end(std::string_view bytes) {
  if (bytes.size() < kEndBytes) return std::string_view::npos;
  const std::size_t last = bytes.size() - kEndBytes;
  const std::size_t first = last - std::min(last, kMaxCommentBytes);
  for (std::size_t at = last + 1; at-- > first;) {
    if (number<std::uint32_t>(bytes, at) == kEndSignature &&
        at + kEndBytes + number<std::uint16_t>(bytes, at + 20) == bytes.size()) {
      return at;
    }
  }
  return std::string_view::npos;
}

}  // namespace

ZipArchive::ZipArchive(std::string bytes, std::string name)
    : own_(std::move(bytes)), bytes_(own_), name_(std::move(name)), budget_(name_, bytes_.size()) {
  read_directory();
}

ZipArchive::ZipArchive(std::string_view bytes, std::string name)
    : bytes_(bytes), name_(std::move(name)), budget_(name_, bytes_.size()) {
  read_directory();
}

void ZipArchive::read_directory() {
  const std::string_view bytes = bytes_;
  const std::size_t end = find_end(bytes);
  require(end != std::string_view::npos,
          "{} is cut short or no zip archive: its directory is missing; copy it again", name_);
  const auto count = number<std::uint16_t>(bytes, end + 10);
  const auto size = number<std::uint32_t>(bytes, end + 12);
  const auto offset = number<std::uint32_t>(bytes, end + 16);
  require(offset != kTooLarge && count != 0xffff,
          "{} has more than 4 GiB or 65534 entries, which is more than is read here", name_);
  require(offset <= end && size <= end - offset,
          "{}: the directory of the archive lies outside the file; copy it again", name_);
  std::string_view rest = bytes.substr(offset, size);
  for (int i = 0; i < count; ++i) {
    const bool fits =
        rest.size() >= kDirectoryBytes && number<std::uint32_t>(rest, 0) == kDirectorySignature;
    const std::size_t name_size = fits ? number<std::uint16_t>(rest, 28) : 0;
    const std::size_t length = fits
                                   ? kDirectoryBytes + name_size + number<std::uint16_t>(rest, 30) +
                                         number<std::uint16_t>(rest, 32)
                                   : 0;
    require(fits && length <= rest.size(),
            "{}: entry {} of the archive's directory is damaged; copy the file again", name_, i);
    Entry entry;
    entry.checksum = number<std::uint32_t>(rest, 16);
    entry.size = number<std::uint32_t>(rest, 24);
    entry.offset = number<std::uint32_t>(rest, 42);
    entry.stored = number<std::uint16_t>(rest, 10) == 0 &&
                   number<std::uint32_t>(rest, 20) == entry.size &&
                   (number<std::uint16_t>(rest, 8) & kEncrypted) == 0;
    entries_[std::string(rest.substr(kDirectoryBytes, name_size))] = entry;
    rest.remove_prefix(length);
  }
}

std::string_view ZipArchive::read(std::string_view entry_name) {
  const auto found = entries_.find(entry_name);
  require(found != entries_.end(), "{}: the archive has no entry '{}'; copy the file again", name_,
          entry_name);
  const Entry& entry = found->second;
  require(
      entry.stored,
      "{}: the entry '{}' is compressed or encrypted, which torch.save and numpy.savez do not do",
      name_, entry_name);
  const std::string_view bytes = bytes_;
  const bool has_header = entry.offset <= bytes.size() &&
                          bytes.size() - entry.offset >= kLocalBytes &&
                          number<std::uint32_t>(bytes, entry.offset) == kLocalSignature;
  // The local header has its own lengths of name and padding; other fields repeat the directory.
  const std::size_t begin = has_header ? entry.offset + kLocalBytes +
                                             number<std::uint16_t>(bytes, entry.offset + 26) +
                                             number<std::uint16_t>(bytes, entry.offset + 28)
                                       : 0;
  require(has_header && begin <= bytes.size() && entry.size <= bytes.size() - begin,
          "{}: the entry '{}' lies outside the file; copy it again", name_, entry_name);
  const std::string_view content = bytes.substr(begin, entry.size);
  budget_.work(content.size());
  const auto* data = reinterpret_cast<const Bytef*>(content.data());
  require(crc32_z(0, data, content.size()) == entry.checksum,
          "{}: the entry '{}' does not have its checksum, so the file is damaged; copy it again",
          name_, entry_name);
  return content;
}

}  // namespace bptplr
