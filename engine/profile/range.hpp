// Named ranges of time that a profiler shows (Nsight Systems: the NVTX row) and that a RangeTimer
// measures. Without either they cost a look at a pointer.
#pragma once

#include "kernels/ranges.hpp"

namespace bptplr {

/// What a function cannot do without, as its shapes tell: operations on floating-point numbers (a
/// multiply-add counts two) and bytes, each array read or written once.
struct Work {
  double operations = 0.0;
  double bytes = 0.0;

  Work& operator+=(const Work& more) {
    operations += more.operations;
    bytes += more.bytes;
    return *this;
  }
};

/// Hears where ranges begin and end.
class RangeListener {
 public:
  virtual void begin(const char* name, const Work& work) = 0;
  virtual void end() = 0;

 protected:
  ~RangeListener() = default;
};

/// Who listens to the ranges of this thread; null: nobody.
inline constinit thread_local RangeListener* range_listener = nullptr;

/// From here to the end of the scope. Ranges nest.
class Range {
 public:
  /// name: a literal. work: that of the range itself, without the ranges in it.
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
