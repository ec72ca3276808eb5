// When training is to stop at a place where it can go on later.
#pragma once

#include <chrono>
#include <functional>
#include <string>

namespace bptplr {

/// A time limit, and a signal from outside (Ctrl-C, a job scheduler, a notebook).
class StopCondition {
 public:
  /// `max_hours` count from now; 0: no limit. `signalled` is asked between iterations; may be
  /// empty.
  explicit StopCondition(double max_hours, std::function<bool()> signalled = {})
      : max_hours_(max_hours), signalled_(std::move(signalled)) {}

  bool is_met() const { return is_signalled() || time_is_up(); }
  /// Names what is met: "a signal", "--max_hours 2".
  std::string reason() const;

 private:
  bool is_signalled() const { return signalled_ && signalled_(); }
  bool time_is_up() const;

  double max_hours_;
  std::function<bool()> signalled_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace bptplr
