// Table of data sets: one row for each, with everything that depends on the data set.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "data/dataset.hpp"
#include "data/sets/dataset_kind.hpp"
#include "data/sets/features.hpp"
#include "data/sets/image_list.hpp"

namespace bptplr {

/// Arguments of load_dataset; each data set reads only the fields that it needs.
struct DatasetConfig {
  DatasetKind kind = DatasetKind::kShapes;
  std::filesystem::path path = {};
  ImageSetOptions images = {};  ///< for image files
  TestSplit test_split = {};    ///< for sets without test samples
  SampleFiles files = {};       ///< for features and arrays
  LoadReport report = {};       ///< for these, too
  std::int64_t shapes_train = 0;
  std::int64_t shapes_test = 0;
};

struct DatasetInfo {
  DatasetKind kind;
  /// Description of DatasetConfig::path for error sentences; null: the data set needs no files.
  const char* needs;
  std::int64_t num_classes;  ///< 0: defined by its files
  std::int64_t
      side;  ///< side of images in pixels; 0: of image files, which are resized, and as files say
  std::int64_t usual_image_size;  ///< default side of resized image files in pixels; 0 for others
  bool takes_test_split;          ///< test samples may be split off the training samples
  bool turns_upright;             ///< image files are turned as EXIF says, unless told otherwise
  int human_label_sets;           ///< label sets by human annotators; 0: there are none
  /// Replaces labels by the class that each is mistaken for (data/noise/noise.hpp); null:
  /// undefined.
  std::vector<std::int64_t> (*asymmetric_noise)(std::span<const std::int64_t> labels, double rate,
                                                std::uint64_t seed);
  Dataset (*load)(const DatasetConfig& config);
  /// For image files: returns whether a path holds this data set, and the list of its files; null
  /// for others.
  bool (*is_at)(const std::filesystem::path& path);
  ImageList (*list)(const std::filesystem::path& path);

  bool has_vectors = false;  ///< samples are vectors; else images

  bool has_image_files() const { return list != nullptr; }
  /// Returns whether samples are rows of an array in a file.
  bool has_rows() const { return side == 0 && list == nullptr; }
  /// Returns whether labels come with the wrong ones among them, and noise is not to be added.
  bool has_own_noise() const { return side == 0; }
};

/// Returns the row of `kind`.
const DatasetInfo& dataset_info(DatasetKind kind);

/// Loads a data set. Throws Error naming the file for anything missing or malformed.
Dataset load_dataset(const DatasetConfig& config);

/// Lists the image files of the data set at `path`, of whichever kind. Throws Error if there is
/// none.
ImageList list_image_files(const std::filesystem::path& path);

}  // namespace bptplr
