// A data set as a list of image files with labels, before any of them is decoded.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "data/dataset.hpp"
#include "data/images/on_bad_image.hpp"
#include "data/load_report.hpp"

namespace bptplr {

/// The true label of an image where nobody knows it.
inline constexpr std::int64_t kUnknownLabel = -1;

struct LabelledFile {
  std::filesystem::path path;
  std::int64_t label = 0;  ///< the label that is trained on, or tested against
  std::int64_t true_label = kUnknownLabel;
};

struct ImageList {
  std::string name;    ///< of the data set
  std::string origin;  ///< tells this list from those of other places and other splits
  std::vector<std::string> class_names;
  std::vector<LabelledFile> train;
  std::vector<LabelledFile> test;
  /// Per-channel statistics of pixel / 255; a std of 0: those of the training images.
  std::array<float, 3> mean{};
  std::array<float, 3> std{};
};

/// A share of the training images that becomes the test set.
struct TestSplit {
  double fraction = 0.0;  ///< below 1; 0: the data set has test images of its own
  std::uint64_t seed = 0;
};

/// Gives a list without test images some: round(fraction * n) of the n training images of each
/// class, at least one, but never all of them; which ones is drawn with the seed. Both parts keep
/// their order. Throws Error when there is no test set, neither listed nor to be made, and when
/// there would be two.
void complete_test_set(ImageList& list, const TestSplit& split);

/// How a list becomes images.
struct ImageSetOptions {
  int side = 0;                        ///< images are made side x side, see resize_and_crop
  std::filesystem::path cache_folder;  ///< empty: default_cache_folder()
  OnBadImage on_bad_image = OnBadImage::kStop;
  LoadReport report;
  /// Called with the complete list before its files are decoded, which may take hours; may throw.
  std::function<void(const ImageList&)> check = {};
};

/// The images of the list, by way of the cache: one file for each split. Throws Error as
/// cached_images and options.check do.
Dataset load_image_list(const ImageList& list, const ImageSetOptions& options);

}  // namespace bptplr
