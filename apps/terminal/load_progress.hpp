// What the loading of a data set shows on stderr, so that stdout stays what scripts expect.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "data/load_report.hpp"

namespace bptplr {

/// A line that counts up on a terminal, a line every half minute elsewhere; warnings up to a number
/// that can still be read, and how many more there were.
class LoadProgress {
 public:
  LoadProgress();
  LoadProgress(const LoadProgress&) = delete;
  LoadProgress& operator=(const LoadProgress&) = delete;
  ~LoadProgress();

  /// To be handed to the loader; this must outlive it.
  LoadReport report();

 private:
  void progress(std::int64_t done, std::int64_t total);
  void warning(const std::string& sentence);
  void clear_line();

  bool is_terminal_;
  bool line_is_shown_ = false;
  std::int64_t warnings_ = 0;
  std::chrono::steady_clock::time_point last_output_;
};

}  // namespace bptplr
