// Manages a folder of image caches: what lies there, who uses it, and how much it may take.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "data/dataset.hpp"
#include "data/load_report.hpp"

namespace bptplr {

/// Image cache in a folder.
struct CacheFile {
  std::filesystem::path path;
  std::string set;                ///< name of the data set
  std::string split;              ///< "train" or "test"
  int side = 0;                   ///< images are side x side
  std::int64_t count = 0;         ///< number of images
  std::int64_t bytes = 0;         ///< size of the file
  std::int64_t last_used_ns = 0;  ///< since 1970
  bool in_use = false;            ///< whether a process reads or writes it
  bool is_complete = true;        ///< false: being written, or left by a killed process
};

/// Returns the caches in a folder, the most recently used first; none if there is no such folder.
/// Only regular files that begin as a cache does count, and links are not followed. Throws Error if
/// the folder cannot be read.
std::vector<CacheFile> list_caches(const std::filesystem::path& folder);

/// Removes a cache unless a process uses it or it is no cache (any more); returns whether it did.
bool remove_cache(const std::filesystem::path& path);

/// Marks a cache as used now, and until the returned object and its copies are gone. Null if the
/// file cannot be locked; then others may remove it, which its readers do not notice.
std::shared_ptr<const void> use_cache(const std::filesystem::path& path);

/// Calls use_cache for as long as the images of the cache exist.
void keep_in_use(const std::filesystem::path& cache, Images& images);

/// Removes the least recently used caches that no process uses from the folder of `cache`, until
/// they take at most `limit` bytes together with the `needed` ones of `cache`, which is about to be
/// written; reports each. A limit of 0 is half of what is free or taken by caches on the disk, and
/// only removes. Throws Error, before anything is removed, if a limit above 0 cannot be kept.
void make_room(const std::filesystem::path& cache, std::int64_t needed, std::int64_t limit,
               const LoadReport& report);

/// Returns a number of bytes: "1.5 GiB", "820 MiB", "4 KiB".
std::string bytes_text(std::int64_t bytes);
/// Returns a local time as "2024-05-31 14:02".
std::string time_text(std::int64_t ns);

}  // namespace bptplr
