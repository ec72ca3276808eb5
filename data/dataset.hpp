// What every data set delivers: samples, which are images or vectors, with their labels.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kernels/vector_views.hpp"

namespace bptplr {

/// Most classes of a data set: PLR's class sets have so many bits.
inline constexpr std::int64_t kMaxClasses = 1024;

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

/// `count` vectors of `dim` values, such as features of a pretrained network. Copies share the
/// values, which are never modified.
struct Vectors {
  std::int64_t count = 0;
  std::int64_t dim = 0;
  kernels::VectorType type = kernels::VectorType::kFloat32;
  std::span<const std::uint8_t> bytes;  ///< rows one after the other, aligned to a value
  /// Whether networks see the signed square roots of the values: of features after a ReLU, none of
  /// which is negative, these are less skewed (vector_statistics.hpp).
  bool root = false;
  /// Row in `bytes` of each vector, so that a part of a file needs no copy; null: all, in order.
  std::shared_ptr<const std::vector<std::int64_t>> rows = nullptr;
  std::shared_ptr<const void> owner = nullptr;  ///< owner of the memory of `bytes`
  bool on_disk = false;  ///< whether they are in a mapped file, read from disk on first access

  /// Returns float32 vectors whose values are in a C++ vector.
  static Vectors in_memory(std::int64_t dim, std::vector<float> values);

  std::int64_t bytes_per_vector() const {
    return dim * (type == kernels::VectorType::kFloat16 ? 2 : 4);
  }
  std::int64_t row(std::int64_t i) const {
    return rows == nullptr ? i : (*rows)[static_cast<std::size_t>(i)];
  }
  const std::uint8_t* vector(std::int64_t i) const {
    return bytes.data() + row(i) * bytes_per_vector();
  }
  /// Writes the values of a vector that networks see to `out` [dim].
  void read(std::int64_t i, std::span<float> out) const;
};

/// Which rows of a list became images, as unreadable files may be left out of it.
struct ListedRows {
  std::vector<std::int64_t> kept;  ///< [N] row of each image, ascending; empty: all
  std::int64_t count = 0;          ///< rows of the list; 0: as many as images
};

/// Samples with their labels in [0, number of classes).
struct Split {
  Images images = {};  ///< empty where samples are vectors
  std::vector<std::int64_t> labels;
  /// True labels where `labels` may be wrong, -1: unknown; empty: `labels` are true.
  std::vector<std::int64_t> true_labels = {};
  /// File of each sample; empty where samples have no files of their own.
  std::vector<std::string> files = {};
  /// Rows that they had in the list of the data set's files.
  ListedRows listed = {};
  /// hash_bytes of each sample; empty where it has not been computed.
  std::vector<std::uint64_t> hashes = {};
  Vectors vectors = {};  ///< empty where samples are images

  bool has_vectors() const { return vectors.dim > 0; }
  std::int64_t size() const { return has_vectors() ? vectors.count : images.count; }
  /// Returns the stored bytes of a sample.
  std::span<const std::uint8_t> sample(std::int64_t i) const;
  /// Returns the number of values of a sample: of the channels of all pixels, or of a vector.
  std::int64_t values_per_sample() const {
    return has_vectors() ? vectors.dim : images.bytes_per_image();
  }
  /// Writes the values of a sample, normalised as networks see it, to `out`; mean and std are those
  /// of the data set.
  void read_normalised(std::int64_t i, std::span<const float> mean, std::span<const float> std,
                       std::span<float> out) const;
};

/// Data set with its official labels.
struct Dataset {
  std::string name;
  std::string root = {};  ///< folder of the image files; empty where there are none
  std::vector<std::string> class_names;
  /// Folder of each class's training images, where images lie in folders of classes.
  std::vector<std::string> class_folders = {};
  /// Mean and standard deviation that normalise inputs: of pixel / 255 for each of three channels,
  /// or of each value of vectors.
  std::vector<float> mean;
  std::vector<float> std;
  Split train;
  Split test;

  std::int64_t num_classes() const { return static_cast<std::int64_t>(class_names.size()); }
};

}  // namespace bptplr
