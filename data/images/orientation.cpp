#include "data/images/orientation.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

namespace bptplr {
namespace {

constexpr std::string_view kExif("Exif\0\0", 6);
constexpr unsigned kOrientationTag = 0x0112;

/// Whole numbers in a file, in either order of bytes; beyond its end they are 0.
struct Numbers {
  std::string_view bytes;
  bool big_endian = true;

  std::uint32_t at(std::size_t place, std::size_t size) const {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < size; ++i) {
      const std::size_t from = place + (big_endian ? i : size - 1 - i);
      value = value * 256 + (from < bytes.size() ? static_cast<std::uint8_t>(bytes[from]) : 0);
    }
    return value;
  }
};

/// Returns the orientation in the first directory of a TIFF structure, which EXIF is.
int orientation_in(std::string_view tiff) {
  if (tiff.starts_with(kExif)) tiff.remove_prefix(kExif.size());
  if (!tiff.starts_with("II") && !tiff.starts_with("MM")) return 1;
  const Numbers numbers{tiff, tiff.starts_with("MM")};
  const std::size_t directory = numbers.at(4, 4);
  const std::size_t entries = numbers.at(directory, 2);
  for (std::size_t i = 0; i < entries && directory + 2 + 12 * i < tiff.size(); ++i) {
    const std::size_t entry = directory + 2 + 12 * i;
    if (numbers.at(entry, 2) != kOrientationTag) continue;
    const std::uint32_t value = numbers.at(entry + 8, 2);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

/// Returns the EXIF segment of a JPEG, which lies before its first scan.
std::string_view exif_of_jpeg(std::string_view bytes) {
  const Numbers numbers{bytes};
  std::size_t at = 2;
  while (at + 4 <= bytes.size() && bytes[at] == '\xff') {
    const auto marker = static_cast<std::uint8_t>(bytes[at + 1]);
    if (marker == 0xff) {  // fills the space before a marker
      ++at;
      continue;
    }
    if (marker == 0xda || marker == 0xd9) break;
    const std::size_t size = numbers.at(at + 2, 2);
    const std::string_view segment = bytes.substr(at + 4, std::max<std::size_t>(size, 2) - 2);
    if (marker == 0xe1 && segment.starts_with(kExif)) return segment;
    at += 2 + size;
  }
  return {};
}

/// Returns the chunk of this name; `header` is the size of what precedes the first one.
std::string_view chunk_of(std::string_view bytes, std::string_view name, std::size_t header) {
  const bool is_png = header == 8;
  const Numbers numbers{bytes, is_png};
  for (std::size_t at = header; at + 8 <= bytes.size();) {
    const std::size_t size = numbers.at(at + (is_png ? 0 : 4), 4);
    if (bytes.substr(at + (is_png ? 4 : 0), 4) == name) return bytes.substr(at + 8, size);
    at += 8 + size + (is_png ? 4 : size % 2);  // a checksum, or padding to an even place
  }
  return {};
}

}  // namespace

int orientation_of(std::string_view bytes) {
  if (bytes.starts_with("\xff\xd8")) return orientation_in(exif_of_jpeg(bytes));
  if (bytes.starts_with("\x89PNG")) return orientation_in(chunk_of(bytes, "eXIf", 8));
  if (bytes.starts_with("RIFF")) return orientation_in(chunk_of(bytes, "EXIF", 12));
  return 1;
}

namespace {

/// Receives a turned picture.
class TurnedImage final : public RowSink {
 public:
  void start(int height, int width) override {
    image.height = height;
    image.width = width;
    stride_ = static_cast<std::size_t>(width) * 3;
    image.pixels.resize(static_cast<std::size_t>(height) * stride_);
  }
  std::uint8_t* row() override { return image.pixels.data() + at_; }
  void done() override { at_ += stride_; }

  Image image;

 private:
  std::size_t stride_ = 0;
  std::size_t at_ = 0;
};

}  // namespace

Image upright(const Image& image, int orientation) {
  if (orientation == 1) return image;
  TurnedImage turned;
  pass_upright(image, orientation, turned);
  return std::move(turned.image);
}

void pass_upright(const Image& image, int orientation, RowSink& sink) {
  const bool transposed = orientation >= 5;
  const bool from_right =
      orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool from_bottom =
      orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  const int height = transposed ? image.width : image.height;
  const int width = transposed ? image.height : image.width;
  sink.start(height, width);
  for (int y = 0; y < height; ++y) {
    std::uint8_t* out = sink.row();
    for (int x = 0; x < width; ++x) {
      const int row = transposed ? x : y;
      const int column = transposed ? y : x;
      const std::ptrdiff_t from_row = from_bottom ? image.height - 1 - row : row;
      const std::ptrdiff_t from_column = from_right ? image.width - 1 - column : column;
      const std::ptrdiff_t from = 3 * (from_row * image.width + from_column);
      out = std::copy_n(image.pixels.data() + from, 3, out);
    }
    sink.done();
  }
}

}  // namespace bptplr
