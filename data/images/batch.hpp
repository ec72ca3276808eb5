// Image files that are looked at once: decoded side by side in memory, without a cache.
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
  std::vector<std::int64_t> kept;     ///< [images.count] rising: which of the files each image is
  std::vector<std::string> problems;  ///< a sentence about each of the others, in their order
};

/// The pictures of `files` at side x side pixels, as resize_and_crop makes them, decoded with all
/// threads.
ImageBatch read_image_batch(std::span<const std::filesystem::path> files, int side);

}  // namespace bptplr
