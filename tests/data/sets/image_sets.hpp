// Writes miniature data sets of image files in their genuine layouts.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "data/images/image_file.hpp"
#include "engine/error.hpp"
#include "engine/random.hpp"
#include "tests/data/images/image_files.hpp"

namespace bptplr {

inline void write_text_file(const std::filesystem::path& path, const std::string& text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

/// Writes FOLDER/class0/..., FOLDER/class1/...: images of both formats, with all extensions.
inline void write_class_folders(const std::filesystem::path& folder, int classes, int each,
                                int first = 0) {
  const char* endings[] = {".jpg", ".JPEG", ".Png"};
  for (int label = 0; label < classes; ++label) {
    for (int i = first; i < first + each; ++i) {
      const auto path = folder / ("class" + std::to_string(label)) /
                        ("image" + std::to_string(i) + endings[i % 3]);
      const Image image = class_picture(label, i);
      std::filesystem::create_directories(path.parent_path());
      i % 3 == 2 ? write_png(path, image) : write_jpeg(path, image);
    }
  }
}

/// Writes Animal-10N in the layout of raw_image.zip.
inline void write_animal10n(const std::filesystem::path& folder, int each) {
  for (int label = 0; label < 10; ++label) {
    for (int i = 0; i < each; ++i) {
      const std::string name =
          std::to_string(label) + "_img_" + std::to_string(10 * i + label) + ".jpg";
      write_jpeg(folder / "training" / name, class_picture(label, i));
      if (i % 3 == 0) write_jpeg(folder / "testing" / name, class_picture(label, 1000 + i));
    }
  }
}

/// Returns a record of Animal-10N's binary form, with the pixels of class_picture.
inline std::string animal10n_record(int number, int label) {
  const Image image = class_picture(label, number, 64, 64);
  std::string record;
  for (const int value : {number, label}) {
    for (int shift = 24; shift >= 0; shift -= 8) record += static_cast<char>(value >> shift);
  }
  for (std::size_t c = 0; c < 3; ++c) {
    for (std::size_t i = c; i < image.pixels.size(); i += 3) {
      record += static_cast<char>(image.pixels[i]);
    }
  }
  return record;
}

/// Writes Clothing1M with `each` noisy training images per class, one of which has a clean label
/// too, and one test image per class.
inline void write_clothing1m(const std::filesystem::path& folder, int each) {
  std::string train_keys, test_keys, noisy, clean;
  for (int label = 0; label < 14; ++label) {
    for (int i = 0; i <= each; ++i) {
      const std::string key = "images/" + std::to_string(i % 10) + "/" + std::to_string(label) +
                              "/" + std::to_string(100 * label + i) + ",7.jpg";
      write_jpeg(folder / key, class_picture(label, i));
      if (i < each) {
        train_keys += key + "\n";
        noisy += key + " " + std::to_string(label) + "\n";
        if (i == 0) clean += key + " " + std::to_string((label + 1) % 14) + "\n";
      } else {
        test_keys += key + "\r\n";
        clean += key + " " + std::to_string(label) + "\r\n";
      }
    }
  }
  write_text_file(folder / "noisy_train_key_list.txt", train_keys);
  write_text_file(folder / "clean_test_key_list.txt", test_keys);
  write_text_file(folder / "noisy_label_kv.txt", noisy);
  write_text_file(folder / "clean_label_kv.txt", clean);
}

/// Returns `whole` with bits flipped until it is not a picture any more.
inline std::string with_flipped_bits(std::string whole, Philox& random) {
  for (;;) {
    const std::uint32_t at = random.below(static_cast<std::uint32_t>(whole.size()));
    whole[at] = static_cast<char>(whole[at] ^ (1 << random.below(8)));
    try {
      decode_image(whole, "a picture");
    } catch (const Error&) {
      return whole;
    }
  }
}

/// Writes an invalid image file, of a kind chosen by `number`; returns its name.
inline std::string write_bad_image(const std::filesystem::path& folder, int number) {
  namespace fs = std::filesystem;
  std::string name = "bad" + std::to_string(number) + (number % 2 == 0 ? ".jpg" : ".png");
  const fs::path file = folder / name;
  const Image image = class_picture(number % 5, number);
  const std::string jpeg = encode_jpeg(image);
  write_png(file, image);
  std::ifstream stream(file, std::ios::binary);
  const std::string png{std::istreambuf_iterator<char>(stream), {}};
  Philox random(11, Purpose::kTest, static_cast<std::uint32_t>(number));
  const auto cut = [&](const std::string& whole) {
    return whole.substr(0, random.below(static_cast<std::uint32_t>(whole.size()) - 20));
  };
  std::string huge = jpeg;  // a frame of 60,000 x 60,000
  huge.replace(jpeg.find("\xff\xc0") + 5, 4, "\xea\x60\xea\x60");
  const std::string contents[] = {cut(jpeg),
                                  cut(png),
                                  with_flipped_bits(jpeg, random),
                                  with_flipped_bits(png, random),
                                  "GIF89a" + png,
                                  "",
                                  huge};
  const auto kind = static_cast<std::size_t>(number) % (std::size(contents) + 2);
  if (kind < std::size(contents)) {
    write_text_file(file, contents[kind]);
    return name;
  }
  fs::remove(file);
  if (kind == std::size(contents)) {
    fs::create_directory(file);
  } else {
    fs::create_symlink("nowhere", file);
  }
  return name;
}

}  // namespace bptplr
