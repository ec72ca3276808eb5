// How long ranges (engine/profile/range.hpp) take.
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

/// One range that has ended.
struct TimedRange {
  const char* name = "";
  std::ptrdiff_t parent = -1;  ///< the range around it, by its place in the list; -1: none
  Work work;
  double seconds = 0.0;      ///< with the ranges in it
  double own_seconds = 0.0;  ///< without them
};

/// Times the ranges of the thread that made it, for as long as it lives: by the host's clock or, on
/// a GPU, by events on its stream, so that a range lasts until its kernels are done and includes
/// what the GPU waited for the host. No graph may be recorded meanwhile. One at a time, made and
/// destroyed outside of all ranges.
class RangeTimer final : public RangeListener {
 public:
  explicit RangeTimer(Device device);
  RangeTimer(const RangeTimer&) = delete;
  RangeTimer& operator=(const RangeTimer&) = delete;
  ~RangeTimer();

  void begin(const char* name, const Work& work) override;
  void end() override;

  /// The ranges so far, in the order in which they began; forgets them. Waits for a GPU.
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
  std::vector<std::chrono::steady_clock::time_point> host_;  ///< when the marks were, on the CPU
  std::unique_ptr<kernels::StreamClock> stream_;             ///< who knows, on a GPU
};

/// "training iteration/targets/conv2d": the names from the outermost range to ranges[i].
std::string path_of(const std::vector<TimedRange>& ranges, std::size_t i);

/// All ranges of one path together.
struct PathTime {
  std::int64_t calls = 0;
  double seconds = 0.0;      ///< with the ranges in them
  double own_seconds = 0.0;  ///< without
  Work work;
};
std::map<std::string, PathTime> by_path(const std::vector<TimedRange>& ranges);

}  // namespace bptplr
