// Writes small CIFAR folders in both layouts for the tests.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "engine/random.hpp"
#include "tests/temporary_folder.hpp"

namespace bptplr {

inline void write(const std::filesystem::path& path, const std::string& bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

inline std::string slurp(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

constexpr int kBatchImages = 4;

/// Returns the channel-major pixels of image `i` of batch `b`.
inline std::string test_planes(int b, int i) {
  Philox random(1, Purpose::kTest, static_cast<std::uint32_t>(b), static_cast<std::uint32_t>(i));
  std::string planes(3072, '\0');
  for (char& c : planes) c = static_cast<char>(random.next());
  return planes;
}
inline int test_label(int b, int i) {
  return (3 * b + i) % 10;
}

/// Returns a binary batch with `label_bytes` before each image (CIFAR-100: coarse label first).
inline std::string binary_batch(int b, int label_bytes = 1) {
  std::string bytes;
  for (int i = 0; i < kBatchImages; ++i) {
    bytes.append(static_cast<std::size_t>(label_bytes - 1), '\x11');
    bytes += static_cast<char>(test_label(b, i));
    bytes += test_planes(b, i);
  }
  return bytes;
}

/// Returns a batch as pickled by Python 2, with the memo operations of the genuine files.
inline std::string python_batch(int b, const std::string& label_key = "labels") {
  using namespace std::string_literals;
  const auto text = [](const std::string& s) { return "U"s + static_cast<char>(s.size()) + s; };
  const auto int32 = [](std::uint32_t v) {
    std::string s(4, '\0');
    for (char& c : s) {
      c = static_cast<char>(v);
      v >>= 8;
    }
    return s;
  };
  std::string labels;
  std::string pixels;
  std::string names;
  for (int i = 0; i < kBatchImages; ++i) {
    labels += "K"s + static_cast<char>(test_label(b, i));
    pixels += test_planes(b, i);
    names += text("image_" + std::to_string(i) + ".png") + "q"s + static_cast<char>(30 + i);
  }
  return "\x80\x02}q\x01("s + text("batch_label") + "q\x02" + text("training batch 1 of 5") +
         "q\x03" + text(label_key) + "q\x04]q\x05(" + labels + "e" + text("data") +
         "q\x06"s
         "cnumpy.core.multiarray\n_reconstruct\nq\x07"
         "cnumpy\nndarray\nq\x08K\x00\x85q\x09"s +
         text("b") + "\x87Rq\x0a(K\x01J"s + int32(kBatchImages) +
         "M\x00\x0c\x86"
         "cnumpy\ndtype\nq\x0b"s +
         text("u1") + "K\x00K\x01\x87Rq\x0c(K\x03"s + text("|") +
         "NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T"s + int32(3072 * kBatchImages) +
         pixels + "tb"s + text("filenames") + "q\x0d](" + names + "eu.";
}

inline void write_cifar10(const std::filesystem::path& folder, bool binary) {
  const std::string batches[] = {"data_batch_1", "data_batch_2", "data_batch_3",
                                 "data_batch_4", "data_batch_5", "test_batch"};
  for (int b = 0; b < 6; ++b) {
    write(folder / (batches[b] + (binary ? ".bin" : "")),
          binary ? binary_batch(b) : python_batch(b));
  }
}

}  // namespace bptplr
