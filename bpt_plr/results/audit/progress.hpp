// Progress of an audit of many labels.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>

namespace bptplr {

/// Receives how many of how many parts of the work are done, again and again with the same numbers
/// within a part. An exception that it throws ends the audit.
using AuditProgress = std::function<void(std::int64_t done, std::int64_t total)>;

/// Counts parts of work that may turn out to be fewer than planned.
class ProgressCounter {
 public:
  ProgressCounter(AuditProgress progress, std::int64_t total)
      : progress_(std::move(progress)), total_(total) {}

  /// To be called several times a second.
  void alive() const {
    if (progress_) progress_(done_, total_);
  }
  void finish_one() { reach(done_ + 1); }
  /// Takes the first `done` parts as done.
  void reach(std::int64_t done) {
    done_ = std::min(std::max(done_, done), total_);
    alive();
  }

 private:
  AuditProgress progress_;
  std::int64_t total_;
  std::int64_t done_ = 0;
};

}  // namespace bptplr
