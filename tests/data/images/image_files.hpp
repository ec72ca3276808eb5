// Makes small pictures and writes them as JPEG files for the tests.
#pragma once

// jpeglib.h needs the headers before it.
// clang-format off
#include <cstddef>
#include <cstdio>
#include <jpeglib.h>
// clang-format on

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "data/images/image.hpp"
#include "engine/random.hpp"

namespace bptplr {

/// Returns height x width pixels in a colour of the class, with noise determined by `number`.
inline Image class_picture(int label, int number, int height = 20, int width = 24) {
  Philox random(1, Purpose::kTest, static_cast<std::uint32_t>(label),
                static_cast<std::uint32_t>(number));
  Image image{height, width, {}};
  for (int i = 0; i < height * width; ++i) {
    for (int c = 0; c < 3; ++c) {
      const auto base = static_cast<std::uint32_t>(40 + 37 * label * (c + 1) % 150);
      image.pixels.push_back(static_cast<std::uint8_t>(base + random.below(60)));
    }
  }
  return image;
}

/// Returns the bytes of a JPEG file.
inline std::string encode_jpeg(const Image& image, int quality = 90) {
  jpeg_compress_struct encoder{};
  jpeg_error_mgr errors{};
  encoder.err = jpeg_std_error(&errors);
  jpeg_create_compress(&encoder);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&encoder, &bytes, &size);
  encoder.image_width = static_cast<JDIMENSION>(image.width);
  encoder.image_height = static_cast<JDIMENSION>(image.height);
  encoder.input_components = 3;
  encoder.in_color_space = JCS_RGB;
  jpeg_set_defaults(&encoder);
  jpeg_set_quality(&encoder, quality, TRUE);
  jpeg_start_compress(&encoder, TRUE);
  while (encoder.next_scanline < encoder.image_height) {
    auto* row = const_cast<JSAMPROW>(image.pixels.data()) +
                std::size_t{encoder.next_scanline} * encoder.image_width * 3;
    jpeg_write_scanlines(&encoder, &row, 1);
  }
  jpeg_finish_compress(&encoder);
  jpeg_destroy_compress(&encoder);
  std::string file(reinterpret_cast<const char*>(bytes), size);
  std::free(bytes);
  return file;
}

/// Writes a JPEG and creates its folder.
inline void write_jpeg(const std::filesystem::path& path, const Image& image) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << encode_jpeg(image);
}

}  // namespace bptplr
