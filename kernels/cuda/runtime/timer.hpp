// Time on a stream, for those who choose by measurement.
#pragma once

#include "kernels/cuda/runtime/launch.hpp"

namespace bptplr::kernels {

/// Pairs of events time what lies between them on the stream.
class Timer {
 public:
  explicit Timer(cudaStream_t stream) : stream_(stream) {
    check(cudaEventCreate(&begin_), "when an event was made");
    check(cudaEventCreate(&end_), "when an event was made");
  }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer() {
    cudaEventDestroy(begin_);
    cudaEventDestroy(end_);
  }

  /// Of what fn queues; waits until it is done.
  template <class Fn>
  float milliseconds(Fn&& fn) {
    check(cudaEventRecord(begin_, stream_), "when an event was recorded");
    fn();
    check(cudaEventRecord(end_, stream_), "when an event was recorded");
    check(cudaEventSynchronize(end_), "when an event was waited for");
    float passed = 0.0F;
    check(cudaEventElapsedTime(&passed, begin_, end_), "when time was taken");
    return passed;
  }

 private:
  cudaStream_t stream_;
  cudaEvent_t begin_ = nullptr;
  cudaEvent_t end_ = nullptr;
};

}  // namespace bptplr::kernels
