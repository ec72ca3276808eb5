// Shows the loading of a data set on stderr, to keep stdout for scripts.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "apps/terminal/stop_signals.hpp"
#include "data/load_report.hpp"

namespace bptplr {

/// Prints a counting line on a terminal, elsewhere a line every half minute; prints a limited
/// number of warnings and the number of further ones.
class LoadProgress {
 public:
  /// Ends the loading by an exception (StopSignal::check) where `signal`, which must outlive this,
  /// asks for it. `doing` stands before the numbers.
  explicit LoadProgress(const StopSignal& signal, std::string doing = "reading images");
  LoadProgress(const LoadProgress&) = delete;
  LoadProgress& operator=(const LoadProgress&) = delete;
  ~LoadProgress();

  /// Returns the callback for the loader; this object must outlive it.
  LoadReport report();

 private:
  void progress(std::int64_t done, std::int64_t total);
  void warning(const std::string& sentence);
  std::string time_left(std::chrono::steady_clock::time_point now) const;

  const StopSignal& signal_;
  std::string doing_;
  bool is_terminal_;
  std::int64_t warnings_ = 0;
  std::int64_t first_ = 0;  ///< done when the current work was first heard of, at begun_
  std::int64_t done_ = 0;
  std::int64_t total_ = -1;  ///< of the current work
  std::chrono::steady_clock::time_point begun_;
  std::chrono::steady_clock::time_point last_output_;
};

}  // namespace bptplr
