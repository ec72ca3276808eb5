// Decides when training stops at a point from which it can resume.
#pragma once

#include <chrono>
#include <functional>
#include <string>

namespace bptplr {

/// Time limit and an outside signal (Ctrl-C, a job scheduler, a notebook).
class StopCondition {
 public:
  /// Counts `max_hours` from now (0: no limit); calls `signalled`, unless empty, each iteration.
  explicit StopCondition(double max_hours, std::function<bool()> signalled = {})
      : max_hours_(max_hours), signalled_(std::move(signalled)) {}

  bool is_met() const { return is_signalled() || time_is_up(); }
  /// Returns the condition that is met: "a signal", "--max_hours 2".
  std::string reason() const;

 private:
  bool is_signalled() const { return signalled_ && signalled_(); }
  bool time_is_up() const;

  double max_hours_;
  std::function<bool()> signalled_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace bptplr
