// What image files of a data set are like: unreadable ones, duplicates, sizes, and how some look.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "data/images/image.hpp"
#include "data/load_report.hpp"

namespace bptplr {

struct ImageCheck {
  std::vector<std::string> unreadable;  ///< a sentence about each, in the order of the files
  /// Numbers of files with the same bytes, two or more in a group, in their order.
  std::vector<std::vector<std::int64_t>> duplicates;
  /// How many readable files have each (width, height).
  std::map<std::pair<int, int>, std::int64_t> sizes;
};

/// Reads and decodes every file, with all threads.
ImageCheck check_images(const std::vector<std::filesystem::path>& files, const LoadReport& report);

/// A page of samples: each row of files as squares of `side` pixels beside each other, unreadable
/// ones and gaps in grey. There is at least one file.
Image sample_page(const std::vector<std::vector<std::filesystem::path>>& rows, int side);

}  // namespace bptplr
