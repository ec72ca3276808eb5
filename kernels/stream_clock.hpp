// Clock for work queued on a GPU: when it gets done, by the GPU's own clock.
#pragma once

#include <memory>
#include <vector>

#include "kernels/context.hpp"

namespace bptplr::kernels {

class StreamClock {
 public:
  virtual ~StreamClock() = default;
  /// Marks the moment at which everything queued so far is done, without waiting for it. Not
  /// allowed while a graph is recorded. Errors are reported by take().
  virtual void mark() = 0;
  /// Waits for the last mark, returns the seconds from the first mark to each, and clears the
  /// marks. Throws CudaError if something queued before has failed.
  virtual std::vector<double> take() = 0;
};

std::unique_ptr<StreamClock> make_stream_clock(const CudaContext& ctx);

}  // namespace bptplr::kernels
