// Keeps decoded and resized images on disk: decoding a photograph takes milliseconds, and a million
// of them do not fit in memory.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/dataset.hpp"
#include "data/images/on_bad_image.hpp"
#include "data/load_report.hpp"

namespace bptplr {

/// Images to load, and their cache.
struct CacheRequest {
  std::vector<std::filesystem::path> files;
  int side = 0;                 ///< images are resized to side x side, see resize_and_crop
  bool exif = false;            ///< whether pictures are turned upright, see orientation.hpp
  std::filesystem::path cache;  ///< file of the cache; its folder is created
  OnBadImage on_bad_image = OnBadImage::kStop;
  std::int64_t limit = 0;  ///< bytes that the caches in its folder may take, see make_room
};

struct CachedImages {
  Images images;
  std::vector<std::int64_t> kept;     ///< [images.count] index of each image's file, ascending
  std::vector<std::uint64_t> hashes;  ///< [images.count] hash_bytes of each image
  std::array<double, 3> mean{};       ///< of pixel / 255, by channel
  std::array<double, 3> std{};
};

/// Maps the cache if it holds exactly these files, unchanged in size and modification time, and its
/// checksums are right; otherwise decodes all files with all threads and replaces it. Processes
/// that need the same cache wait for the one that builds it; a killed one leaves no invalid cache.
/// Throws Error naming the file: for the first unreadable one unless they are skipped, when none is
/// readable, and when the cache cannot be written.
CachedImages cached_images(const CacheRequest& request, const LoadReport& report = {});

/// Returns the default folder of caches: $XDG_CACHE_HOME/bptplr or ~/.cache/bptplr. Throws Error
/// when neither variable is set.
std::filesystem::path default_cache_folder();

}  // namespace bptplr
