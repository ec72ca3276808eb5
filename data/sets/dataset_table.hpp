// The data sets: one row each, which is all that the rest of the program asks about one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "data/dataset.hpp"
#include "data/sets/dataset_kind.hpp"
#include "data/sets/image_list.hpp"

namespace bptplr {

/// What loading takes; each data set reads the fields that it has a use for.
struct DatasetConfig {
  DatasetKind kind = DatasetKind::kShapes;
  std::filesystem::path path = {};
  ImageSetOptions images = {};  ///< of image files
  TestSplit test_split = {};    ///< of image files without test images
  std::int64_t shapes_train = 0;
  std::int64_t shapes_test = 0;
};

struct DatasetInfo {
  DatasetKind kind;
  /// What DatasetConfig::path names, for error sentences; null: the data set needs no files.
  const char* needs;
  std::int64_t num_classes;       ///< 0: its files tell
  std::int64_t side;              ///< pixels of its images; 0: image files, which are resized
  std::int64_t usual_image_size;  ///< pixels that image files are resized to; 0 for others
  bool takes_test_split;          ///< test images may be split off the training images
  int human_label_sets;           ///< sets of labels given by people; 0: there are none
  /// Moves labels to the class that each is mistaken for (data/noise/noise.hpp); null: not defined.
  std::vector<std::int64_t> (*asymmetric_noise)(std::span<const std::int64_t> labels, double rate,
                                                std::uint64_t seed);
  Dataset (*load)(const DatasetConfig& config);
  /// Of image files: whether a path holds this data set, and the list of its files; null for
  /// others.
  bool (*is_at)(const std::filesystem::path& path);
  ImageList (*list)(const std::filesystem::path& path);

  bool has_image_files() const { return side == 0; }
};

/// Returns the row of `kind`.
const DatasetInfo& dataset_info(DatasetKind kind);

/// Loads a data set. Throws Error naming the file for anything missing or malformed.
Dataset load_dataset(const DatasetConfig& config);

/// Lists the image files of whichever data set lies at `path`. Throws Error where none does.
ImageList list_image_files(const std::filesystem::path& path);

}  // namespace bptplr
