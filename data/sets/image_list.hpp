// List of image files with labels, before any of them is decoded.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "data/dataset.hpp"
#include "data/images/find_images.hpp"
#include "data/images/on_bad_image.hpp"
#include "data/load_report.hpp"

namespace bptplr {

/// True label of an image where it is unknown.
inline constexpr std::int64_t kUnknownLabel = -1;

struct LabelledFile {
  std::filesystem::path path;
  std::int64_t label = 0;  ///< label to train on or to test against
  std::int64_t true_label = kUnknownLabel;
};

struct ImageList {
  std::string name;            ///< name of the data set
  std::string origin;          ///< distinguishes lists from other places and other splits
  std::filesystem::path root;  ///< folder that the files' paths are told from
  std::vector<std::string> class_names;
  std::vector<std::string> class_folders;  ///< of training images; empty for other layouts
  std::vector<LabelledFile> train;
  std::vector<LabelledFile> test;
  PassedOver passed_over;
  std::vector<std::string> warnings;  ///< a sentence about whatever may not be meant as it is
  /// Per-channel statistics of pixel / 255; std 0: computed from the training images.
  std::array<float, 3> mean{};
  std::array<float, 3> std{};
};

/// Share of the training images that becomes the test set.
struct TestSplit {
  double fraction = 0.0;  ///< below 1; 0: the data set has its own test images
  std::uint64_t seed = 0;
};

/// Returns which training samples become test samples: round(fraction * n) of the n of each class,
/// at least one but never all, drawn by the seed.
std::vector<bool> drawn_test_rows(std::span<const std::int64_t> labels, std::int64_t classes,
                                  const TestSplit& split);

/// Moves the drawn_test_rows of the training images to the test set of a list without one; both
/// parts keep their order. Throws Error if there is no test set, neither listed nor to be made, or
/// if there would be two.
void complete_test_set(ImageList& list, const TestSplit& split);

/// Options for turning a list into images.
struct ImageSetOptions {
  int side = 0;                        ///< images become side x side, see resize_and_crop
  bool exif = false;                   ///< whether they are turned upright, see orientation.hpp
  std::filesystem::path cache_folder;  ///< empty: default_cache_folder()
  OnBadImage on_bad_image = OnBadImage::kStop;
  LoadReport report;
  /// Called with the complete list before its files are decoded, which may take hours; may throw.
  std::function<void(const ImageList&)> check = {};
  std::int64_t cache_limit = 0;  ///< bytes that caches may take, see make_room
};

/// Loads the images of the list through the cache, one file for each split; reports what the list
/// passes over and warns of. Throws Error as cached_images and options.check do.
Dataset load_image_list(const ImageList& list, const ImageSetOptions& options);

}  // namespace bptplr
