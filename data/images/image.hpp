// Picture in memory.
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

/// Best start of decoded rows, in bytes after a multiple of 16. To addresses divisible by 16
/// libjpeg-turbo writes past the caches; reading a row back then takes a third of its decoding
/// time.
inline constexpr std::size_t kRowOffset = 8;

/// Receives a picture row by row while it is decoded.
class RowSink {
 public:
  virtual ~RowSink() = default;
  /// Receives the size of the picture, before its rows.
  virtual void start(int height, int width) = 0;
  /// Returns the memory for the next row: 3 * width bytes.
  virtual std::uint8_t* row() = 0;
  /// Called when the row has been written.
  virtual void done() = 0;
};

/// Maximum size of a picture; larger ones are refused before memory is allocated.
inline constexpr std::int64_t kMaxImagePixels = 100'000'000;
/// Maximum side of a picture, several rows of which are in memory at a time.
inline constexpr std::int64_t kMaxPictureSide = 1'000'000;

}  // namespace bptplr
