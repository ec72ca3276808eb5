// Moments as events on the stream, which are kept for the next marks.
#include "kernels/stream_clock.hpp"

#include <cuda_runtime.h>

#include "kernels/cuda/runtime/launch.hpp"
#include "kernels/device_memory.hpp"

namespace bptplr::kernels {
namespace {

class EventClock final : public StreamClock {
 public:
  explicit EventClock(const CudaContext& ctx) : ctx_(ctx) {}
  EventClock(const EventClock&) = delete;
  EventClock& operator=(const EventClock&) = delete;
  ~EventClock() override {
    for (cudaEvent_t event : events_) cudaEventDestroy(event);
  }

  void mark() override {
    const DeviceTurn turn(ctx_);
    if (marks_ == events_.size()) {
      cudaEvent_t event = nullptr;
      cudaEventCreateWithFlags(&event, 0);
      events_.push_back(event);
    }
    cudaEventRecord(events_[marks_++], ctx_.stream);
  }

  std::vector<double> take() override {
    const DeviceTurn turn(ctx_);
    std::vector<double> seconds(marks_, 0.0);
    if (marks_ > 0) check(cudaEventSynchronize(events_[marks_ - 1]), "in work queued before");
    // From one mark to the next: milliseconds in a float are exact enough for short times only.
    for (std::size_t i = 1; i < marks_; ++i) {
      float milliseconds = 0;
      check(cudaEventElapsedTime(&milliseconds, events_[i - 1], events_[i]),
            "when the time of a range was read");
      seconds[i] = seconds[i - 1] + static_cast<double>(milliseconds) / 1e3;
    }
    marks_ = 0;
    return seconds;
  }

 private:
  const CudaContext& ctx_;
  std::vector<cudaEvent_t> events_;
  std::size_t marks_ = 0;  ///< events that are in use
};

}  // namespace

std::unique_ptr<StreamClock> make_stream_clock(const CudaContext& ctx) {
  return std::make_unique<EventClock>(ctx);
}

}  // namespace bptplr::kernels
