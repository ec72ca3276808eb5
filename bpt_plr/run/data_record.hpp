// Which images and labels a run trains and is tested on, so that whatever is done with the run
// later is done with the same.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/dataset.hpp"

namespace bptplr {

struct RecordedImage {
  std::string path;        ///< below the data set's folder; "#ROW" for images without files
  std::string label;       ///< name of its class in the data set
  std::uint64_t hash = 0;  ///< hash_bytes of its pixels
};

struct DataRecord {
  std::vector<RecordedImage> train;
  std::vector<RecordedImage> test;
};

/// Returns what a run has to remember of its data.
DataRecord record_data(const Dataset& dataset);

/// Returns the record as CSV: split, path, label and hash of each image, in order.
std::string to_csv(const DataRecord& record);
/// Parses to_csv's text. Throws Error naming `name` for anything else.
DataRecord parse_data_record(std::string_view text, const std::string& name);

/// What has become of the recorded images.
struct DataMatch {
  /// [recorded] place of each among the images that there are now; -1: it is gone.
  std::vector<std::int64_t> places;
  std::int64_t lost = 0;   ///< images that are gone, or whose pixels are others
  std::int64_t moved = 0;  ///< images under another path or label
  std::int64_t added = 0;  ///< images that were not recorded
  std::string changes;     ///< the numbers of all those, with a first one of each; "" if none
};

/// Finds the recorded images in `now`: by path, pixels and label, else without the label, else by
/// pixels alone. Which of several images with equal pixels and labels is meant makes no difference.
/// Unless `is_all`, images that were not recorded do not count as added.
DataMatch match_images(std::span<const RecordedImage> recorded, std::span<const RecordedImage> now,
                       bool is_all = true);

}  // namespace bptplr
