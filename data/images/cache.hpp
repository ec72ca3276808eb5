// Decoded and resized images, kept on disk: photographs take milliseconds each to decode, and a set
// of a million of them is larger than memory.
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

/// Which images to deliver.
struct CacheRequest {
  std::vector<std::filesystem::path> files;
  int side = 0;                 ///< the images are made side x side, see resize_and_crop
  std::filesystem::path cache;  ///< the file that keeps them; its folder is made
  OnBadImage on_bad_image = OnBadImage::kStop;
};

struct CachedImages {
  Images images;
  std::vector<std::int64_t> kept;  ///< [images.count] rising: which of the files each image is
  std::array<double, 3> mean{};    ///< of pixel / 255, by channel
  std::array<double, 3> std{};
};

/// Maps the cache when it holds exactly these files, none of them changed in size or time of
/// modification since, and its checksums are right; else decodes all files anew, with all threads,
/// and replaces it. Processes that want the same cache wait for the one that builds it; one that is
/// killed leaves nothing that would be taken for a cache. Throws Error naming the file: for the
/// first unreadable one unless they are skipped, when none is readable, and when the cache cannot
/// be written.
CachedImages cached_images(const CacheRequest& request, const LoadReport& report = {});

/// Where caches go unless the user says so: $XDG_CACHE_HOME/bptplr or ~/.cache/bptplr. Throws Error
/// when neither variable is set.
std::filesystem::path default_cache_folder();

}  // namespace bptplr
