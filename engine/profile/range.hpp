// Named time ranges, shown by a profiler (Nsight Systems: NVTX row) and measured by a RangeTimer.
// Without either they cost one test of a pointer.
#pragma once

#include "kernels/ranges.hpp"

namespace bptplr {

/// Minimum work of a function, from its shapes: floating-point operations (a multiply-add counts
/// two) and bytes, each array read or written once.
struct Work {
  double operations = 0.0;
  double bytes = 0.0;

  Work& operator+=(const Work& more) {
    operations += more.operations;
    bytes += more.bytes;
    return *this;
  }
};

/// Receives the starts and ends of ranges.
class RangeListener {
 public:
  virtual void begin(const char* name, const Work& work) = 0;
  virtual void end() = 0;

 protected:
  ~RangeListener() = default;
};

/// Listener of this thread's ranges; null: none.
inline constinit thread_local RangeListener* range_listener = nullptr;

/// Range from its construction to the end of the scope. Ranges nest.
class Range {
 public:
  /// Begins a range. `name` must be a literal; `work` excludes that of inner ranges.
  explicit Range(const char* name, const Work& work = {}) : listener_(range_listener) {
    kernels::push_range(name);
    if (listener_ != nullptr) listener_->begin(name, work);
  }
  Range(const Range&) = delete;
  Range& operator=(const Range&) = delete;
  ~Range() {
    if (listener_ != nullptr) listener_->end();
    kernels::pop_range();
  }

 private:
  RangeListener* listener_;
};

}  // namespace bptplr
