// Checks image files of a data set: unreadable ones, duplicates, sizes, and a page of samples.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "data/images/image.hpp"
#include "data/load_report.hpp"

namespace bptplr {

struct ImageCheck {
  std::vector<std::string> unreadable;  ///< a sentence about each, in the order of the files
  /// Indices of files with equal bytes, two or more in a group, in order.
  std::vector<std::vector<std::int64_t>> duplicates;
  std::int64_t turned = 0;  ///< readable files with an orientation other than as stored
  /// Number of readable files of each (width, height).
  std::map<std::pair<int, int>, std::int64_t> sizes;
};

/// Reads and decodes every file, with all threads.
ImageCheck check_images(const std::vector<std::filesystem::path>& files, const LoadReport& report);

/// Returns a page of samples: each row of files as adjacent squares of `side` pixels, unreadable
/// ones and gaps in grey. There must be at least one file. `unreadable` is told of each such file.
Image sample_page(const std::vector<std::vector<std::filesystem::path>>& rows, int side,
                  const std::function<void(const std::string&)>& unreadable);

}  // namespace bptplr
