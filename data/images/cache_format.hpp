// File format of an image cache: a header, a record for each source file and, from the next
// multiple of kPixelAlignment on, the images one after the other. Uses the machine's byte order, as
// a cache stays on its machine; another order reads as another version.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace bptplr::image_cache {

inline constexpr std::array<char, 8> kMagic{'b', 'p', 't', 'p', 'l', 'r', 'I', 'C'};
inline constexpr std::uint32_t kVersion = 2;
/// Previous version: the same layout with another hash function, also in the file's name.
inline constexpr std::uint32_t kVersionBefore = 1;
inline constexpr std::int64_t kPixelAlignment = 4096;

struct Header {
  std::array<char, 8> magic = kMagic;
  std::uint32_t version = kVersion;
  std::int32_t side = 0;        ///< images are side x side
  std::int64_t files = 0;       ///< number of records
  std::int64_t count = 0;       ///< number of images, one per readable file
  std::uint64_t list_hash = 0;  ///< hash of the files' paths, in order, and of CacheRequest::exif
  std::array<std::uint64_t, 3> sum{};  ///< sum of all values of a channel
  std::array<std::uint64_t, 3> sum_squares{};
  std::uint64_t checksum = 0;  ///< of the header with 0 in this field, and the records
};
static_assert(sizeof(Header) == 96 && offsetof(Header, checksum) == 88, "no gaps: it is hashed");

struct Record {
  std::uint64_t size = 0;        ///< of the source file, in bytes
  std::int64_t modified_ns = 0;  ///< since the epoch of the file system's clock
  std::int64_t row = -1;         ///< index of the image; -1: unreadable
  std::uint64_t hash = 0;        ///< of the image
};
static_assert(sizeof(Record) == 32, "no gaps: it is hashed");

/// Returns the offset of the images.
inline std::int64_t pixels_offset(std::int64_t files) {
  const std::int64_t end = std::int64_t{sizeof(Header)} + files * std::int64_t{sizeof(Record)};
  return (end + kPixelAlignment - 1) / kPixelAlignment * kPixelAlignment;
}

}  // namespace bptplr::image_cache
