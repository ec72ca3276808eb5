// Small files that claim much: what they may cost, whichever their format.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "data/images/codecs.hpp"
#include "data/images/image_file.hpp"
#include "tests/golden.hpp"
#include "tests/message_of.hpp"

namespace bptplr {
namespace {

constexpr std::int64_t kMiB = 1 << 20;

std::string number(std::uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16),
          static_cast<char>(value >> 8), static_cast<char>(value)};
}

std::uint32_t crc32(const std::string& bytes) {
  std::uint32_t crc = ~0U;
  for (const char byte : bytes) {
    crc ^= static_cast<std::uint8_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xedb88320 : 0);
  }
  return ~crc;
}

/// A chunk of a PNG file, which may claim another size than it has.
std::string chunk(const std::string& name, const std::string& data, std::uint32_t claimed) {
  return number(claimed) + name + data + number(crc32(name + data));
}

/// The beginning of a grey PNG file of 1 bit a pixel, with `padding` bytes that are no pixels.
std::string png_header(std::uint32_t side, bool interlaced, std::uint32_t padding = 0) {
  const std::string header =
      number(side) + number(side) + std::string("\1\0\0\0", 4) + (interlaced ? '\1' : '\0');
  return "\x89PNG\r\n\x1a\n" + chunk("IHDR", header, 13) +
         chunk("xyZa", std::string(padding, ' '), padding) + chunk("IDAT", "", 1'000);
}

std::string golden_file(const std::string& name) {
  const Tensor bytes = Golden("images")["file/" + name + "/bytes"];
  const auto span = bytes.span<std::uint8_t>();
  return {span.begin(), span.end()};
}

/// Discards the rows of a picture.
class NoRows final : public RowSink {
 public:
  void start(int, int width) override { row_.resize(static_cast<std::size_t>(width) * 3); }
  std::uint8_t* row() override { return row_.data(); }
  void done() override {}

 private:
  std::vector<std::uint8_t> row_;
};

/// Returns the error of decoding row by row, or "".
std::string rows_error(const std::string& bytes) {
  NoRows rows;
  return message_of([&] { decode_rows(bytes, "some.file", rows); });
}

/// Returns by how many bytes the greatest memory of this process grows while `fn` runs.
template <class Fn>
std::int64_t growth(Fn&& fn) {
  const auto peak = [] {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return std::int64_t{usage.ru_maxrss} * 1024;
  };
  const std::int64_t before = peak();
  fn();
  return peak() - before;
}

TEST(PictureBudget, GrowsWithTheFile) {
  EXPECT_EQ(memory_problem(1000, 1000, 3, 100), "");
  EXPECT_EQ(memory_problem(10'000, 10'000, 3, 1'000'000), "");
  EXPECT_EQ(memory_problem(10'000, 10'000, 3, 1000),
            "it would take 286 MiB of memory, far more than a file of 1000 bytes should");
  EXPECT_EQ(memory_problem(10'000, 10'000, 0, 1), "");
  EXPECT_EQ(most_passes(10'000, 10'000, 1000), 10);
  EXPECT_EQ(most_passes(10'000, 10'000, 1'000'000), 31);
}

TEST(PictureBudget, ChunksThatAreNoPixelsCostNothing) {
  const std::string plain = golden_file("rgb.png");
  const Image expected = decode_image(plain, "plain");
  constexpr std::size_t kHeader = 8 + 25;
  for (const char* name :
       {"zTXt", "tEXt", "iTXt", "iCCP", "sPLT", "eXIf", "hIST", "pCAL", "sCAL", "xyZa"}) {
    const std::string text("key\0\0\0\0\0\0 no zlib", 17);
    const std::string with_one =
        plain.substr(0, kHeader) + chunk(name, text, 17) + plain.substr(kHeader);
    EXPECT_EQ(decode_image(with_one, name).pixels, expected.pixels) << name;
    const std::string huge = plain.substr(0, kHeader) + chunk(name, text, 0x7fffffff);
    EXPECT_LT(growth([&] { EXPECT_NE(rows_error(huge), "") << name; }), 50 * kMiB) << name;
  }
}

TEST(PictureBudget, AnInterlacedPngIsHeldWhole) {
  EXPECT_NE(rows_error(png_header(9'000, true)).find("it would take 232 MiB of memory"),
            std::string::npos);
  // Accepted are those that are not, and those that are small or have the bytes.
  EXPECT_NE(rows_error(png_header(9'000, false)).find("too early"), std::string::npos);
  EXPECT_NE(rows_error(png_header(6'000, true)).find("too early"), std::string::npos);
  EXPECT_NE(rows_error(png_header(9'000, true, 200'000)).find("too early"), std::string::npos);
}

TEST(PictureBudget, AJpegOfSeveralScansIsHeldWhole) {
  for (const auto& [name, marker] :
       {std::pair("progressive.jpg", "\xff\xc2"), std::pair("rgb.jpg", "\xff\xc0")}) {
    std::string bytes = golden_file(name);
    bytes.replace(bytes.find(marker) + 5, 4, "\x23\x23\x23\x23");  // 8995 x 8995
    std::string problem;
    const std::int64_t grown = growth([&] { problem = rows_error(bytes); });
    EXPECT_LT(grown, 50 * kMiB) << name;
    EXPECT_EQ(problem.find("MiB of memory") != std::string::npos, marker[1] == '\xc2') << problem;
  }
}

TEST(PictureBudget, AWebpIsHeldWhole) {
  // A header of the lossless form: 14 bits of width - 1, 14 bits of height - 1.
  const std::uint32_t size = 9'999 | 9'999 << 14;
  std::string bits;
  for (int byte = 0; byte < 4; ++byte) bits += static_cast<char>(size >> 8 * byte);
  const std::string file =
      std::string("RIFF\x1c\0\0\0WEBPVP8L\x10\0\0\0", 20) + '\x2f' + bits + std::string(11, '\0');
  EXPECT_NE(rows_error(file).find("it would take 668 MiB of memory"), std::string::npos)
      << rows_error(file);
}

TEST(PictureBudget, ABmpTakesNoMemoryForRowsThatItLacks) {
  const auto bmp = [](std::uint32_t width) {
    std::string header("BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0....\3\0\0\0\1\0\1\0", 30);
    for (std::size_t byte = 0; byte < 4; ++byte)
      header[18 + byte] = static_cast<char>(width >> 8 * byte);
    return header + std::string(24, '\0') + std::string(40, '\xff');
  };
  std::vector<std::uint8_t> pixels(13 * 13 * 3);
  for (const auto& [width, problem] :
       {std::pair(900'000U, "too early"), std::pair(14'000'000U, "a side of more than 1000000")}) {
    std::string error;
    const std::int64_t grown = growth([&] {
      error = message_of([&] { decode_resized(bmp(width), "some.file", 13, true, pixels.data()); });
    });
    EXPECT_NE(error.find(problem), std::string::npos) << error;
    EXPECT_LT(grown, 20 * kMiB) << width;
  }
}

TEST(PictureBudget, AWholePictureIsHeld) {
  // Read row by row the file ends too early; as a whole it is not even begun.
  const std::string header = png_header(9'000, false);
  EXPECT_NE(message_of([&] { decode_image(header, "some.file"); }).find("some.file: it would take"),
            std::string::npos);
}

}  // namespace
}  // namespace bptplr
