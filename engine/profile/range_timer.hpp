// Measures the time of ranges (engine/profile/range.hpp).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/device.hpp"
#include "engine/profile/range.hpp"
#include "kernels/stream_clock.hpp"

namespace bptplr {

/// Range that has ended.
struct TimedRange {
  const char* name = "";
  std::ptrdiff_t parent = -1;  ///< index of the enclosing range; -1: none
  Work work;
  double seconds = 0.0;      ///< including inner ranges
  double own_seconds = 0.0;  ///< excluding inner ranges
};

/// Times the ranges of the thread that constructed it, during its lifetime: by the host's clock or,
/// on a GPU, by events on its stream, so that a range ends when its kernels have finished and
/// includes the GPU's waits for the host. No graph may be recorded meanwhile. Only one may exist,
/// constructed and destroyed outside of all ranges.
class RangeTimer final : public RangeListener {
 public:
  explicit RangeTimer(Device device);
  RangeTimer(const RangeTimer&) = delete;
  RangeTimer& operator=(const RangeTimer&) = delete;
  ~RangeTimer();

  void begin(const char* name, const Work& work) override;
  void end() override;

  /// Returns the ranges so far, in the order of their starts, and clears them. Waits for a GPU.
  std::vector<TimedRange> take();

 private:
  struct Mark {
    std::size_t range;
    bool is_begin;
  };

  void mark(std::size_t range, bool is_begin);
  std::vector<double> moments();

  std::vector<TimedRange> ranges_;
  std::vector<std::size_t> open_;  ///< ranges that have not ended, the innermost last
  std::vector<Mark> marks_;
  std::vector<std::chrono::steady_clock::time_point> host_;  ///< times of the marks, on the CPU
  std::unique_ptr<kernels::StreamClock> stream_;             ///< times of the marks, on a GPU
};

/// Returns the names from the outermost range to ranges[i]: "training iteration/targets/conv2d".
std::string path_of(const std::vector<TimedRange>& ranges, std::size_t i);

/// Total of all ranges with the same path.
struct PathTime {
  std::int64_t calls = 0;
  double seconds = 0.0;      ///< including inner ranges
  double own_seconds = 0.0;  ///< excluding inner ranges
  Work work;
};
std::map<std::string, PathTime> by_path(const std::vector<TimedRange>& ranges);

}  // namespace bptplr
