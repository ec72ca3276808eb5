// When the work that was queued on a GPU gets done, by the GPU's own clock.
#pragma once

#include <memory>
#include <vector>

#include "kernels/context.hpp"

namespace bptplr::kernels {

class StreamClock {
 public:
  virtual ~StreamClock() = default;
  /// Notes the moment at which everything queued so far is done, without a wait for it. Not while a
  /// graph is recorded. An error shows in take().
  virtual void mark() = 0;
  /// Waits for the last mark and returns the seconds from the first one to each; forgets them.
  /// Throws CudaError if something queued before has failed.
  virtual std::vector<double> take() = 0;
};

std::unique_ptr<StreamClock> make_stream_clock(const CudaContext& ctx);

}  // namespace bptplr::kernels
