// Images of a data set: decoded, of one size, in memory or in a memory-mapped file.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace bptplr {

/// `count` RGB images of one size, uint8, NHWC: pixel (n, y, x, c) at ((n*height + y)*width +
/// x)*3+c. Copies share the pixels, which are never modified.
struct Images {
  std::int64_t count = 0;
  int height = 0;
  int width = 0;
  std::span<const std::uint8_t> pixels;
  std::shared_ptr<const void> owner;  ///< owner of the memory of `pixels`
  bool on_disk = false;  ///< whether pixels are in a mapped file, read from disk on first access

  /// Returns images of height x width whose pixels are in a vector.
  static Images in_memory(int height, int width, std::vector<std::uint8_t> pixels) {
    const auto owner = std::make_shared<const std::vector<std::uint8_t>>(std::move(pixels));
    const auto count =
        static_cast<std::int64_t>(owner->size()) / (std::int64_t{height} * width * 3);
    return {count, height, width, *owner, owner, false};
  }

  std::int64_t bytes_per_image() const { return std::int64_t{height} * width * 3; }
  const std::uint8_t* image(std::int64_t i) const { return pixels.data() + i * bytes_per_image(); }
};

/// Which rows of a list became images, as unreadable files may be left out of it.
struct ListedRows {
  std::vector<std::int64_t> kept;  ///< [N] row of each image, ascending; empty: all
  std::int64_t count = 0;          ///< rows of the list; 0: as many as images
};

/// Images with their labels in [0, number of classes).
struct Split {
  Images images;
  std::vector<std::int64_t> labels;
  /// True labels where `labels` may be wrong, -1: unknown; empty: `labels` are true.
  std::vector<std::int64_t> true_labels = {};
  /// File of each image; empty where images have no files of their own.
  std::vector<std::string> files = {};
  /// Rows that they had in the list of the data set's files.
  ListedRows listed = {};
  /// hash_bytes of each image; empty where it has not been computed.
  std::vector<std::uint64_t> hashes = {};
};

/// Data set with its official labels.
struct Dataset {
  std::string name;
  std::string root = {};  ///< folder of the image files; empty where there are none
  std::vector<std::string> class_names;
  /// Folder of each class's training images, where images lie in folders of classes.
  std::vector<std::string> class_folders = {};
  /// Per-channel mean and standard deviation of pixel/255, to normalise inputs.
  std::array<float, 3> mean{};
  std::array<float, 3> std{};
  Split train;
  Split test;

  std::int64_t num_classes() const { return static_cast<std::int64_t>(class_names.size()); }
};

}  // namespace bptplr
