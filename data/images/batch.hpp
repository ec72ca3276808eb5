// Decodes image files in parallel in memory, without a cache.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "data/dataset.hpp"

namespace bptplr {

struct ImageBatch {
  Images images;                      ///< of the readable files, in their order
  std::vector<std::int64_t> kept;     ///< [images.count] index of each image's file, ascending
  std::vector<std::string> problems;  ///< a sentence about each other file, in order
};

/// Decodes `files` with all threads, resized to side x side pixels by resize_and_crop; with `exif`
/// turned upright first (orientation.hpp).
ImageBatch read_image_batch(std::span<const std::filesystem::path> files, int side, bool exif);

}  // namespace bptplr
