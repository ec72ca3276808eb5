// WebP, BMP and EXIF orientations against Pillow; formats that are not read, by name.
#include "data/images/formats.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "data/images/image_file.hpp"
#include "data/images/orientation.hpp"
#include "data/images/resize.hpp"
#include "engine/error.hpp"
#include "tests/golden.hpp"
#include "tests/message_of.hpp"

namespace bptplr {
namespace {

std::string bytes_of(const Tensor& tensor) {
  const auto span = tensor.span<std::uint8_t>();
  return {span.begin(), span.end()};
}

void expect_pixels(const Image& image, const Tensor& expected, const std::string& name) {
  EXPECT_EQ(image.height, expected.size(0)) << name;
  EXPECT_EQ(image.width, expected.size(1)) << name;
  const auto span = expected.span<std::uint8_t>();
  EXPECT_TRUE(std::equal(span.begin(), span.end(), image.pixels.begin(), image.pixels.end()))
      << name;
}

TEST(Formats, WebpAndBmpAreWhatPillowMakesOfThem) {
  const Golden golden("formats");
  const auto names = golden.cases("file");
  EXPECT_EQ(names.size(), 15U);
  for (const std::string& name : names) {
    const std::string bytes = bytes_of(golden["file/" + name + "/bytes"]);
    expect_pixels(decode_image(bytes, name), golden["file/" + name + "/pixels"], name);
  }
}

TEST(Formats, OrientationTurnsAsPillowDoes) {
  const Golden golden("formats");
  const auto names = golden.cases("turned");
  EXPECT_EQ(names.size(), 24U);
  for (const std::string& name : names) {
    const std::string bytes = bytes_of(golden["turned/" + name + "/bytes"]);
    EXPECT_EQ(orientation_of(bytes), name.front() - '0') << name;
    const Tensor expected = golden["turned/" + name + "/pixels"];
    expect_pixels(decode_image(bytes, name, true), expected, name);
    const Image stored = decode_image(bytes, name);
    EXPECT_EQ(stored.height, 11) << name << " is not turned unless asked for";
    // The path that resizes row by row.
    std::vector<std::uint8_t> resized(8 * 8 * 3);
    std::vector<std::uint8_t> reference(resized.size());
    decode_resized(bytes, name, 8, true, resized.data());
    resize_and_crop(upright(stored, orientation_of(bytes)), 8, reference.data());
    EXPECT_EQ(resized, reference) << name;
  }
}

TEST(Formats, DamagedOrientationTagsCount1) {
  const Golden golden("formats");
  for (const char* name : {"6.jpg", "6.png", "6.webp"}) {
    const std::string whole = bytes_of(golden[std::string("turned/") + name + "/bytes"]);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const int orientation = orientation_of(whole.substr(0, size));
      EXPECT_TRUE(orientation == 1 || orientation == 6) << name << " " << size;
    }
    const bool little = whole.find(std::string("II*\0", 4)) != std::string::npos;
    const std::size_t header = whole.find(std::string(little ? "II*\0" : "MM\0*", 4));
    const std::size_t tag = whole.find(std::string(little ? "\x12\x01" : "\x01\x12", 2), header);
    ASSERT_NE(tag, std::string::npos) << name;
    std::string nine = whole;
    for (const std::size_t at : {tag + 8, tag + 9}) nine[at] = '\x09';
    EXPECT_EQ(orientation_of(nine), 1) << name;
  }
}

TEST(Formats, CutAnywhereIsAnErrorOrThePicture) {
  const Golden golden("formats");
  for (const std::string& name : golden.cases("file")) {
    const std::string whole = bytes_of(golden["file/" + name + "/bytes"]);
    const Image image = decode_image(whole, name);
    int errors = 0;
    for (std::size_t size = 0; size < whole.size(); ++size) {
      try {
        const Image cut = decode_image(whole.substr(0, size), name);
        EXPECT_EQ(cut.pixels, image.pixels) << name << " " << size;
      } catch (const Error& error) {
        EXPECT_TRUE(std::string(error.what()).starts_with(name + ": ")) << error.what();
        ++errors;
      }
    }
    EXPECT_GE(errors, static_cast<int>(whole.size()) - 8) << name;
  }
}

std::string error_of(const std::string& bytes) {
  return message_of([&] { decode_image(bytes, "some.file"); });
}

std::string with_bytes(std::string text, std::size_t at, const std::string& bytes) {
  return text.replace(at, bytes.size(), bytes);
}

TEST(Formats, BmpsThatClaimMoreThanTheyHoldAreRefused) {
  const Golden golden("formats");
  const std::string rgb = bytes_of(golden["file/rgb.bmp/bytes"]);
  const std::string runs = bytes_of(golden["file/runs8.bmp/bytes"]);
  EXPECT_NE(error_of(with_bytes(rgb, 18, std::string("\xa0\x86\1\0\xd0\7\0\0", 8)))
                .find("pixels are more"),
            std::string::npos);
  EXPECT_NE(error_of(with_bytes(rgb, 18, std::string("\0\0\0\0", 4))).find("its size is 0 x 11"),
            std::string::npos);
  EXPECT_NE(error_of(with_bytes(rgb, 22, std::string("\0\0\0\x80", 4))), "");
  EXPECT_NE(error_of(with_bytes(rgb, 28, "\7")).find("7 bits a pixel"), std::string::npos);
  EXPECT_NE(error_of(with_bytes(rgb, 10, "\xff\xff\xff\xff")), "");
  EXPECT_NE(error_of(with_bytes(runs, 18, std::string("\x10\x27\0\0\x10\x27\0\0", 8)))
                .find("more pixels than a file of its size"),
            std::string::npos);
}

TEST(Formats, WhatIsNotReadIsNamed) {
  const std::pair<std::string, const char*> kinds[] = {
      {"GIF89a and so on", "a GIF picture, which is not read"},
      {std::string("II*\0and so on", 13), "a TIFF picture"},
      {std::string("\0\0\0\x1c", 4) + "ftypavif...", "an AVIF picture"},
      {std::string("\0\0\0\x1c", 4) + "ftypheic...", "a HEIC picture"},
      {"\n <!DOCTYPE HTML><html>", "a web page, no picture"},
      {"<svg xmlns=", "a drawing"},
      {"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"},
      {"BM, two letters and more text of some length", "neither a JPEG, PNG, WebP nor BMP"},
      {"", "the file is empty"}};
  for (const auto& [bytes, part] : kinds) {
    EXPECT_NE(error_of(bytes).find(part), std::string::npos) << error_of(bytes);
  }
}

TEST(Formats, NamesOfPictures) {
  for (const char* name : {"a.jpg", "a.JPG", "b.c.Jpeg", "x.PNG", "y.WebP", "z.BMP", "a.jfif"}) {
    EXPECT_TRUE(has_image_name(name)) << name;
  }
  for (const char* name : {"a.gif", "jpg", ".png", "a.jpg.txt", "a.tif"}) {
    EXPECT_FALSE(has_image_name(name)) << name;
  }
}

}  // namespace
}  // namespace bptplr
