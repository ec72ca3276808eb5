// Copies of a few bytes to the host through pinned slots, each with an event that tells of its
// arrival.
#include <cuda_runtime.h>

#include "kernels/cuda/runtime/device_state.hpp"
#include "kernels/cuda/runtime/launch.hpp"
#include "kernels/device_memory.hpp"

namespace bptplr::kernels {
namespace {

/// In the caller's turn.
LandingSlot take_slot(DeviceState& state) {
  LandingSlot slot;
  if (!state.free_slots.empty()) {
    slot = state.free_slots.back();
    state.free_slots.pop_back();
    return slot;
  }
  check(cudaMallocHost(&slot.memory, DelayedCopy::kMaxBytes), "when pinned memory was allocated");
  check(cudaEventCreateWithFlags(&slot.arrived, cudaEventDisableTiming), "when an event was made");
  return slot;
}

class SlotCopy final : public DelayedCopy {
 public:
  SlotCopy(const CudaContext& ctx, const void* device, std::size_t bytes)
      : state_(state_of(ctx)), slot_(take_slot(state_)) {
    if (bytes == 0) return;
    check(cudaMemcpyAsync(slot_.memory, device, bytes, cudaMemcpyDefault, ctx.stream),
          "when data was copied from the device");
    check(cudaEventRecord(slot_.arrived, ctx.stream), "when an event was recorded");
  }
  SlotCopy(const SlotCopy&) = delete;
  SlotCopy& operator=(const SlotCopy&) = delete;
  ~SlotCopy() override {
    const DeviceTurn turn(state_.context);
    cudaEventSynchronize(slot_.arrived);  // or the next owner's slot would be written by this copy
    state_.free_slots.push_back(slot_);
  }

  bool has_arrived() const override {
    const DeviceTurn turn(state_.context);
    const cudaError_t status = cudaEventQuery(slot_.arrived);
    if (status == cudaErrorNotReady) {
      cudaGetLastError();  // an answer, which the next check of a launch must not meet
      return false;
    }
    check(status, "in work queued before");
    return true;
  }
  const void* wait() const override {
    const DeviceTurn turn(state_.context);
    wait_for_event(state_, slot_.arrived, "in work queued before");
    return slot_.memory;
  }

 private:
  DeviceState& state_;
  LandingSlot slot_;
};

}  // namespace

std::unique_ptr<DelayedCopy> copy_to_host_later(const CudaContext& ctx, const void* device,
                                                std::size_t bytes) {
  if (bytes > DelayedCopy::kMaxBytes) throw CudaError("a delayed copy is of a few bytes only");
  const DeviceTurn turn(ctx);
  return std::make_unique<SlotCopy>(ctx, device, bytes);
}

}  // namespace bptplr::kernels
