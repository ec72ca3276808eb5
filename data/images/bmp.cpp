// BMP: the uncompressed, bit-field and run-length forms of Windows and OS/2, with Pillow's colours.
#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <utility>
#include <vector>

#include "data/images/codecs.hpp"

namespace bptplr {
namespace {

constexpr std::size_t kFileHeader = 14;
constexpr std::size_t kCoreHeader = 12;  ///< of OS/2: sizes of 16 bits, palettes of 3 bytes
constexpr std::size_t kInfoHeader = 40;

enum Compression : std::uint32_t { kNone = 0, kRuns8 = 1, kRuns4 = 2, kBitFields = 3 };

/// Pixels that a byte of a run-length file may stand for; without a limit a few bytes, which may
/// skip rows, would claim any amount of memory.
constexpr std::int64_t kMostPixelsPerByte = 1024;

struct BmpHeader {
  std::size_t pixels = 0;  ///< place of the first row in the file
  std::int64_t width = 0;
  std::int64_t height = 0;
  bool top_down = false;
  int bits = 0;  ///< of a pixel
  std::uint32_t compression = kNone;
  std::array<std::uint32_t, 3> masks{};  ///< of red, green and blue, for 16 and 32 bits
  std::vector<std::array<std::uint8_t, 3>> palette;
};

std::uint32_t number(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < size && at + i < bytes.size(); ++i) {
    value |= std::uint32_t{static_cast<std::uint8_t>(bytes[at + i])} << (8 * i);
  }
  return value;
}

void read_palette(std::string_view bytes, std::size_t at, std::size_t entry, BmpHeader& header) {
  const std::size_t most = std::size_t{1} << header.bits;
  for (std::size_t i = 0; i < most && at + 3 <= bytes.size() && at + 3 <= header.pixels; ++i) {
    header.palette.push_back({static_cast<std::uint8_t>(bytes[at + 2]),
                              static_cast<std::uint8_t>(bytes[at + 1]),
                              static_cast<std::uint8_t>(bytes[at])});
    at += entry;
  }
}

/// Reads the header; returns why it cannot be used, or "".
std::string read_header(std::string_view bytes, BmpHeader& header) {
  const std::size_t size = number(bytes, kFileHeader, 4);
  const bool is_core = size == kCoreHeader;
  if (bytes.size() < kFileHeader + size || (!is_core && size < kInfoHeader)) {
    return "its header is cut short";
  }
  header.pixels = number(bytes, 10, 4);
  const std::size_t field = is_core ? 2 : 4;
  const auto side = [&](std::size_t at) {
    const std::uint32_t value = number(bytes, at, field);
    return is_core ? std::int64_t{value} : std::int64_t{static_cast<std::int32_t>(value)};
  };
  header.width = side(18);
  header.height = side(18 + field);
  header.top_down = header.height < 0;
  header.height = std::abs(header.height);
  header.bits = static_cast<int>(number(bytes, 20 + 2 * field, 2));
  if (!is_core) header.compression = number(bytes, 30, 4);
  if (header.bits <= 8) {
    read_palette(bytes, kFileHeader + size, is_core ? 3 : 4, header);
  } else if (header.compression == kBitFields) {
    for (std::size_t c = 0; c < 3; ++c) header.masks[c] = number(bytes, 54 + 4 * c, 4);
  } else if (header.bits == 16) {
    header.masks = {0x7c00, 0x03e0, 0x001f};
  } else {
    header.masks = {0xff0000, 0x00ff00, 0x0000ff};
  }
  return "";
}

/// Returns why the combination of bits and compression is none that is read, or "".
std::string form_problem(const BmpHeader& header) {
  const int bits = header.bits;
  const bool plain = header.compression == kNone && (bits == 1 || bits == 4 || bits == 8 ||
                                                     bits == 16 || bits == 24 || bits == 32);
  const bool fields = header.compression == kBitFields && (bits == 16 || bits == 32);
  const bool runs =
      (header.compression == kRuns8 && bits == 8) || (header.compression == kRuns4 && bits == 4);
  if (plain || fields || runs) return "";
  return fmt::format("its {} bits a pixel with compression {} are not read", bits,
                     header.compression);
}

/// One colour of a pixel: its bits, spread over 0 to 255.
class Channel {
 public:
  explicit Channel(std::uint32_t mask)
      : mask_(mask), shift_(mask == 0 ? 0 : std::countr_zero(mask)), most_(mask >> shift_) {}
  std::uint8_t of(std::uint32_t pixel) const {
    if (most_ == 0) return 0;
    return static_cast<std::uint8_t>(std::uint64_t{(pixel & mask_) >> shift_} * 255 / most_);
  }

 private:
  std::uint32_t mask_;
  int shift_;
  std::uint32_t most_;
};

void write_indices(const BmpHeader& header, std::string_view row, std::uint8_t* out) {
  const int per_byte = 8 / header.bits;
  const std::uint32_t mask = (1U << header.bits) - 1;
  for (std::int64_t x = 0; x < header.width; ++x) {
    const auto byte = static_cast<std::uint8_t>(row[static_cast<std::size_t>(x / per_byte)]);
    const int shift = 8 - header.bits * (1 + static_cast<int>(x % per_byte));
    const std::size_t index = (byte >> shift) & mask;
    const auto colour =
        index < header.palette.size() ? header.palette[index] : std::array<std::uint8_t, 3>{};
    out = std::ranges::copy(colour, out).out;
  }
}

void write_colours(const BmpHeader& header, std::string_view row, std::uint8_t* out) {
  const auto bytes = static_cast<std::size_t>(header.bits / 8);
  const std::array<Channel, 3> channels{Channel(header.masks[0]), Channel(header.masks[1]),
                                        Channel(header.masks[2])};
  for (std::size_t x = 0; x < static_cast<std::size_t>(header.width); ++x) {
    const std::uint32_t pixel = number(row, x * bytes, bytes);
    for (const Channel& channel : channels) *out++ = channel.of(pixel);
  }
}

/// Passes on the rows of a picture that is not compressed.
std::string read_rows(std::string_view bytes, const BmpHeader& header, RowSink& sink) {
  const std::size_t stride =
      (static_cast<std::size_t>(header.width) * static_cast<std::size_t>(header.bits) + 31) / 32 *
      4;
  const auto height = static_cast<std::size_t>(header.height);
  const std::size_t last =
      (static_cast<std::size_t>(header.width) * static_cast<std::size_t>(header.bits) + 7) / 8;
  if (header.pixels > bytes.size() || bytes.size() - header.pixels < stride * (height - 1) + last) {
    return "the file ends too early";
  }
  sink.start(static_cast<int>(header.height), static_cast<int>(header.width));
  for (std::size_t y = 0; y < height; ++y) {
    const std::size_t from = header.top_down ? y : height - 1 - y;
    const std::string_view row = bytes.substr(header.pixels + from * stride, stride);
    header.bits <= 8 ? write_indices(header, row, sink.row())
                     : write_colours(header, row, sink.row());
    sink.done();
  }
  return "";
}

/// Expands the run-length form into one index for each pixel, bottom row first.
class RunReader {
 public:
  RunReader(std::string_view bytes, const BmpHeader& header)
      : rest_(bytes.substr(std::min(header.pixels, bytes.size()))),
        width_(header.width),
        height_(header.height),
        per_byte_(8 / header.bits),
        indices(static_cast<std::size_t>(width_ * height_)) {}

  /// Returns false if the file ends before its picture does.
  bool read() {
    while (y_ < height_) {
      if (rest_.size() < 2) return false;
      const int count = take();
      const int value = take();
      if (count > 0) {
        for (int k = 0; k < count; ++k) put(index_in(value, k));
      } else if (value == 0) {
        next_row();
      } else if (value == 1) {
        return true;
      } else if (value == 2) {
        if (rest_.size() < 2) return false;
        x_ += take();
        y_ += take();
      } else if (!take_literally(value)) {
        return false;
      }
    }
    return true;
  }

 private:
  int take() {
    const auto byte = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return byte;
  }
  /// Returns the index of pixel k among those that a byte repeats or holds.
  std::uint8_t index_in(int byte, int k) const {
    if (per_byte_ == 1) return static_cast<std::uint8_t>(byte);
    return static_cast<std::uint8_t>(k % 2 == 0 ? byte >> 4 : byte & 15);
  }
  void put(std::uint8_t index) {
    if (x_ < width_ && y_ < height_) indices[static_cast<std::size_t>(y_ * width_ + x_)] = index;
    ++x_;
  }
  void next_row() {
    x_ = 0;
    ++y_;
  }
  /// Reads pixels that are listed one by one, padded to 16 bits.
  bool take_literally(int count) {
    const int bytes = (count + per_byte_ - 1) / per_byte_;
    if (std::ssize(rest_) < bytes + bytes % 2) return false;
    for (int k = 0; k < count; ++k) {
      put(index_in(static_cast<std::uint8_t>(rest_[static_cast<std::size_t>(k / per_byte_)]), k));
    }
    rest_.remove_prefix(static_cast<std::size_t>(bytes + bytes % 2));
    return true;
  }

  std::string_view rest_;
  std::int64_t width_;
  std::int64_t height_;
  int per_byte_;
  std::int64_t x_ = 0;
  std::int64_t y_ = 0;

 public:
  std::vector<std::uint8_t> indices;  ///< [height, width]
};

std::string read_runs(std::string_view bytes, BmpHeader header, RowSink& sink) {
  if (header.width * header.height > kMostPixelsPerByte * (std::ssize(bytes) + 1024)) {
    return "it claims more pixels than a file of its size holds";
  }
  sink.start(static_cast<int>(header.height), static_cast<int>(header.width));
  RunReader runs(bytes, header);
  if (!runs.read()) return "the file ends too early";
  header.bits = 8;
  for (std::int64_t y = 0; y < header.height; ++y) {
    const std::int64_t from = header.top_down ? y : header.height - 1 - y;
    const auto* row = reinterpret_cast<const char*>(runs.indices.data()) + from * header.width;
    write_indices(header, {row, static_cast<std::size_t>(header.width)}, sink.row());
    sink.done();
  }
  return "";
}

}  // namespace

std::string decode_bmp(std::string_view bytes, RowSink& sink) {
  BmpHeader header;
  std::string problem = read_header(bytes, header);
  if (problem.empty()) problem = size_problem(header.height, header.width);
  if (problem.empty()) problem = form_problem(header);
  if (!problem.empty()) return problem;
  const bool runs = header.compression == kRuns8 || header.compression == kRuns4;
  return runs ? read_runs(bytes, std::move(header), sink) : read_rows(bytes, header, sink);
}

}  // namespace bptplr
