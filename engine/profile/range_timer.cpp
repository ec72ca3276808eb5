#include "engine/profile/range_timer.hpp"

#include <utility>

#include "engine/error.hpp"
#include "engine/memory.hpp"

namespace bptplr {

RangeTimer::RangeTimer(Device device) {
  require(range_listener == nullptr, "only one RangeTimer of a thread can run at a time");
  if (device.type == DeviceType::kCuda) {
    stream_ = kernels::make_stream_clock(cuda_context(device));
  }
  range_listener = this;
}

RangeTimer::~RangeTimer() {
  range_listener = nullptr;
}

void RangeTimer::begin(const char* name, const Work& work) {
  TimedRange range{name, -1, work};
  if (!open_.empty()) range.parent = static_cast<std::ptrdiff_t>(open_.back());
  open_.push_back(ranges_.size());
  ranges_.push_back(range);
  mark(open_.back(), true);
}

void RangeTimer::end() {
  mark(open_.back(), false);
  open_.pop_back();
}

void RangeTimer::mark(std::size_t range, bool is_begin) {
  marks_.push_back({range, is_begin});
  if (stream_ != nullptr) {
    stream_->mark();
  } else {
    host_.push_back(std::chrono::steady_clock::now());
  }
}

/// Returns the seconds of each mark since a common origin.
std::vector<double> RangeTimer::moments() {
  if (stream_ != nullptr) return stream_->take();
  std::vector<double> seconds;
  for (const auto moment : std::exchange(host_, {})) {
    seconds.push_back(std::chrono::duration<double>(moment.time_since_epoch()).count());
  }
  return seconds;
}

std::vector<TimedRange> RangeTimer::take() {
  require(open_.empty(), "the times of ranges were asked for inside of one");
  const std::vector<double> seconds = moments();
  for (std::size_t i = 0; i < marks_.size(); ++i) {
    ranges_[marks_[i].range].seconds += marks_[i].is_begin ? -seconds[i] : seconds[i];
  }
  marks_.clear();
  for (TimedRange& range : ranges_) range.own_seconds = range.seconds;
  for (const TimedRange& range : ranges_) {
    if (range.parent < 0) continue;
    ranges_[static_cast<std::size_t>(range.parent)].own_seconds -= range.seconds;
  }
  return std::exchange(ranges_, {});
}

std::string path_of(const std::vector<TimedRange>& ranges, std::size_t i) {
  const TimedRange& range = ranges[i];
  if (range.parent < 0) return range.name;
  return path_of(ranges, static_cast<std::size_t>(range.parent)) + "/" + range.name;
}

std::map<std::string, PathTime> by_path(const std::vector<TimedRange>& ranges) {
  std::map<std::string, PathTime> paths;
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    PathTime& path = paths[path_of(ranges, i)];
    ++path.calls;
    path.seconds += ranges[i].seconds;
    path.own_seconds += ranges[i].own_seconds;
    path.work += ranges[i].work;
  }
  return paths;
}

}  // namespace bptplr
