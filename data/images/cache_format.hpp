// What an image cache looks like on disk: a header, a record for every source file, and from the
// next multiple of kPixelAlignment on the images, one after the other. In the byte order of the
// machine, as the cache never leaves it; another order reads as another version.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace bptplr::image_cache {

inline constexpr std::array<char, 8> kMagic{'b', 'p', 't', 'p', 'l', 'r', 'I', 'C'};
inline constexpr std::uint32_t kVersion = 2;
/// The version before: the same layout with hashes of another kind, in the file's name too.
inline constexpr std::uint32_t kVersionBefore = 1;
inline constexpr std::int64_t kPixelAlignment = 4096;

struct Header {
  std::array<char, 8> magic = kMagic;
  std::uint32_t version = kVersion;
  std::int32_t side = 0;               ///< images are side x side
  std::int64_t files = 0;              ///< records
  std::int64_t count = 0;              ///< images: the files that were readable
  std::uint64_t list_hash = 0;         ///< of the paths of the files, in order
  std::array<std::uint64_t, 3> sum{};  ///< of all values of a channel
  std::array<std::uint64_t, 3> sum_squares{};
  std::uint64_t checksum = 0;  ///< of the header with 0 here, and the records
};
static_assert(sizeof(Header) == 96 && offsetof(Header, checksum) == 88, "no gaps: it is hashed");

struct Record {
  std::uint64_t size = 0;        ///< of the source file, in bytes
  std::int64_t modified_ns = 0;  ///< since the epoch of the file system's clock
  std::int64_t row = -1;         ///< which image it became; -1: unreadable
  std::uint64_t hash = 0;        ///< of that image
};
static_assert(sizeof(Record) == 32, "no gaps: it is hashed");

/// Where the images begin.
inline std::int64_t pixels_offset(std::int64_t files) {
  const std::int64_t end = std::int64_t{sizeof(Header)} + files * std::int64_t{sizeof(Record)};
  return (end + kPixelAlignment - 1) / kPixelAlignment * kPixelAlignment;
}

}  // namespace bptplr::image_cache
