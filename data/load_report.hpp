// Callbacks that report the loading of a data set.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace bptplr {

/// Either callback may be empty. Both are called from one thread.
struct LoadReport {
  /// Receives the number of images done and their total.
  std::function<void(std::int64_t done, std::int64_t total)> progress;
  /// Receives a sentence about a problem that did not stop the loading.
  std::function<void(const std::string& sentence)> warning;
};

}  // namespace bptplr
