// Named ranges of time that a profiler shows (Nsight Systems: the NVTX row). Without CUDA in the
// build they cost nothing.
#pragma once

#include "kernels/ranges.hpp"

namespace bptplr {

/// From here to the end of the scope. Ranges nest.
class Range {
 public:
  explicit Range(const char* name) { kernels::push_range(name); }
  Range(const Range&) = delete;
  Range& operator=(const Range&) = delete;
  ~Range() { kernels::pop_range(); }
};

}  // namespace bptplr
