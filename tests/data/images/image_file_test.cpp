// Decoding and resizing against Pillow, and files that are no pictures.
#include "data/images/image_file.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "data/images/resize.hpp"
#include "tests/data/sets/cifar10_files.hpp"
#include "tests/golden.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

std::string bytes_of(const Tensor& tensor) {
  const auto span = tensor.span<std::uint8_t>();
  return {span.begin(), span.end()};
}

Image image_of(const Tensor& tensor) {
  const auto span = tensor.span<std::uint8_t>();
  return {static_cast<int>(tensor.size(0)),
          static_cast<int>(tensor.size(1)),
          {span.begin(), span.end()}};
}

/// The message of the Error that decoding throws; empty where it throws none.
std::string decode_error(const std::string& bytes) {
  try {
    decode_image(bytes, "some.file");
  } catch (const Error& error) {
    EXPECT_TRUE(std::string(error.what()).starts_with("some.file: ")) << error.what();
    return error.what();
  }
  return "";
}

std::string file(const std::string& name) {
  static const Golden golden("images");
  return bytes_of(golden["file/" + name + "/bytes"]);
}

TEST(ImageFile, EveryKindIsWhatPillowMakesOfIt) {
  const Golden golden("images");
  const auto names = golden.cases("file");
  EXPECT_EQ(names.size(), 16U);
  for (const std::string& name : names) {
    const Image expected = image_of(golden["file/" + name + "/pixels"]);
    const Image image = decode_image(file(name), name);
    EXPECT_EQ(image.height, expected.height) << name;
    EXPECT_EQ(image.width, expected.width) << name;
    EXPECT_EQ(image.pixels, expected.pixels) << name;
  }
}

TEST(ImageFile, ResizesToTheBytesOfPillow) {
  const Golden golden("images");
  const auto cases = golden.cases("resize");
  EXPECT_EQ(cases.size(), 13U);
  for (const std::string& name : cases) {
    const Image expected = image_of(golden["resize/" + name + "/to"]);
    const Image image = resize_bilinear(image_of(golden["resize/" + name + "/from"]),
                                        expected.height, expected.width);
    EXPECT_EQ(image.pixels, expected.pixels) << name;
  }
}

TEST(ImageFile, ResizesAndCropsToTheBytesOfTorchvision) {
  const Golden golden("images");
  const auto cases = golden.cases("crop");
  EXPECT_EQ(cases.size(), 7U);
  for (const std::string& name : cases) {
    const Image expected = image_of(golden["crop/" + name + "/to"]);
    ASSERT_EQ(expected.height, expected.width);
    std::vector<std::uint8_t> pixels(expected.pixels.size());
    resize_and_crop(image_of(golden["crop/" + name + "/from"]), expected.height, pixels.data());
    EXPECT_EQ(pixels, expected.pixels) << name;
  }
}

TEST(ImageFile, AnExtremelyLongPictureIsOnlyCropped) {
  const Image line{1, 1'000'000, std::vector<std::uint8_t>(3'000'000, 77)};
  std::vector<std::uint8_t> pixels(std::size_t{4096} * 4096 * 3);
  resize_and_crop(line, 4096, pixels.data());
  EXPECT_EQ(pixels, std::vector<std::uint8_t>(pixels.size(), 77));
}

TEST(ImageFile, APngIsReadAsItWasWritten) {
  const TemporaryFolder folder;
  const Image image = decode_image(file("rgb.jpg"), "rgb.jpg");
  write_png(folder.path() / "copy.png", image);
  const Image copy = read_image(folder.path() / "copy.png");
  EXPECT_EQ(copy.height, image.height);
  EXPECT_EQ(copy.width, image.width);
  EXPECT_EQ(copy.pixels, image.pixels);
}

TEST(ImageFile, CutAnywhereIsAnError) {
  for (const char* name : {"rgb.jpg", "progressive.jpg", "rgb.png", "interlaced.png"}) {
    const std::string whole = file(name);
    for (std::size_t size = 0; size < whole.size(); size += size < 700 ? 1 : 13) {
      EXPECT_NE(decode_error(whole.substr(0, size)), "") << name << " cut to " << size;
    }
  }
}

/// progressive.jpg with more scans of nothing at its end, and a size of side x side.
std::string with_scans(std::size_t more, int side) {
  std::string bytes = file("progressive.jpg");
  const std::size_t frame = bytes.find("\xff\xc2");
  for (const std::size_t place : {frame + 5, frame + 7}) {
    bytes[place] = static_cast<char>(side >> 8);
    bytes[place + 1] = static_cast<char>(side & 0xff);
  }
  bytes.resize(bytes.size() - 2);  // the marker of the end
  const std::string scan("\xff\xda\0\x08\x01\x01\0\x01\x05\x02", 10);
  for (std::size_t i = 0; i < more; ++i) bytes += scan;
  return bytes + "\xff\xd9";
}

TEST(ImageFile, ManyScansOfNothingAreRefused) {
  EXPECT_EQ(decode_error(with_scans(20, 64)), "");
  EXPECT_NE(decode_error(with_scans(600, 16)).find("more than 500 scans"), std::string::npos);
  EXPECT_NE(decode_error(with_scans(200, 4'000)).find("more than 67 scans, too many for a file"),
            std::string::npos)
      << decode_error(with_scans(200, 4'000));
}

TEST(ImageFile, ADamagedBitIsHarmlessOrAnError) {
  Philox random(3, Purpose::kTest);
  int errors = 0;
  for (const char* name : {"rgb420.jpg", "progressive.jpg", "cmyk.jpg", "grey.jpg", "palette.png",
                           "interlaced.png", "rgba.png"}) {
    const std::string whole = file(name);
    const auto size = static_cast<std::uint32_t>(whole.size());
    for (int trial = 0; trial < 400; ++trial) {
      std::string damaged = whole;
      // Every other one in the headers, where sizes and tables are.
      const std::uint32_t at = random.below(trial % 2 == 0 ? std::min(size, 200U) : size);
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << random.below(8)));
      errors += decode_error(damaged).empty() ? 0 : 1;
    }
  }
  EXPECT_GT(errors, 500);
}

TEST(ImageFile, HugeSizesAreRefusedBeforeMemoryIsTaken) {
  std::string png = file("rgb.png");
  // Width and height of IHDR, each below the limit, with the checksum that goes with them.
  const auto bytes = [](std::uint32_t v) {
    return std::string{static_cast<char>(v >> 24), static_cast<char>(v >> 16),
                       static_cast<char>(v >> 8), static_cast<char>(v)};
  };
  png.replace(16, 4, bytes(20'000));
  png.replace(20, 4, bytes(20'000));
  png.replace(29, 4, bytes(0x6c12d16e));  // CRC-32 of the header
  EXPECT_NE(decode_error(png).find("20000 x 20000 pixels are more"), std::string::npos)
      << decode_error(png);

  std::string jpeg = file("rgb.jpg");
  const std::size_t frame = jpeg.find("\xff\xc0");
  ASSERT_NE(frame, std::string::npos);
  jpeg.replace(frame + 5, 4, std::string("\xea\x60\xea\x60", 4));
  EXPECT_NE(decode_error(jpeg).find("60000 x 60000 pixels are more"), std::string::npos)
      << decode_error(jpeg);
  // Below the limit, but the file ends long before its 81 million pixels.
  jpeg.replace(frame + 5, 4, std::string("\x23\x23\x23\x23", 4));
  EXPECT_NE(decode_error(jpeg.substr(0, jpeg.size() - 2)), "");
}

TEST(ImageFile, WhatIsNoPictureIsNamed) {
  EXPECT_NE(decode_error("").find("empty"), std::string::npos);
  EXPECT_NE(decode_error("some text").find("neither"), std::string::npos);
  const TemporaryFolder folder;
  const auto error_of = [&](const std::string& name) -> std::string {
    try {
      read_image(folder.path() / name);
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(name), std::string::npos) << error.what();
      return error.what();
    }
    return "";
  };
  fs::create_directory(folder.path() / "folder.jpg");
  fs::create_symlink("nowhere", folder.path() / "link.jpg");
  EXPECT_NE(error_of("folder.jpg").find("folder"), std::string::npos);
  EXPECT_NE(error_of("link.jpg").find("link"), std::string::npos);
  EXPECT_NE(error_of("missing.png").find("no such file"), std::string::npos);
}

}  // namespace
}  // namespace bptplr
