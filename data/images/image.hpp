// One picture in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace bptplr {

/// height x width RGB pixels, uint8: (y, x, c) at (y * width + x) * 3 + c.
struct Image {
  int height = 0;
  int width = 0;
  std::vector<std::uint8_t> pixels;
};

/// Where rows that are decoded had better begin: this many bytes behind a multiple of 16. To an
/// address that is one, libjpeg-turbo writes past the caches, and reading the row from memory again
/// takes a third as long as all of its decoding.
inline constexpr std::size_t kRowOffset = 8;

/// Takes a picture row by row as it is decoded.
class RowSink {
 public:
  virtual ~RowSink() = default;
  /// Comes first: how large the picture is.
  virtual void start(int height, int width) = 0;
  /// Where the next row goes: room for 3 * width bytes.
  virtual std::uint8_t* row() = 0;
  /// The row is there.
  virtual void done() = 0;
};

/// Larger pictures than this are refused before memory is taken for them.
inline constexpr std::int64_t kMaxImagePixels = 100'000'000;

}  // namespace bptplr
