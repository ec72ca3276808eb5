// What this backend keeps for a device. It lives as long as the process: tensors in static storage
// may outlive anything else.
#pragma once

#include <cuda_runtime.h>

#include <array>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "kernels/collectives.hpp"
#include "kernels/context.hpp"
#include "kernels/cuda/runtime/graph_memory.hpp"

namespace bptplr::kernels {

struct DeviceState;

/// Scratch memory of one stream. Kernels on a stream run one after the other, so they can share it,
/// and a block that grows is freed in the order of the stream. A graph has scratch memory of its
/// own, which stays where it is.
class StreamWorkspace final : public Workspace {
 public:
  explicit StreamWorkspace(DeviceState& state) : state_(state) {}

  /// Throws OutOfDeviceMemory.
  void* reserve(std::size_t bytes) override;

  /// Exchanges the blocks.
  void swap_block(StreamWorkspace& other);

 private:
  DeviceState& state_;
  void* memory_ = nullptr;
  std::size_t size_ = 0;
};

/// Pinned memory through which bytes go to the device: a copy from pageable memory would wait for
/// the device. Each slot may be written again once the copy out of it has passed.
class PinnedRing {
 public:
  explicit PinnedRing(DeviceState& state);

  void copy(void* device, const void* host, std::size_t bytes);

 private:
  /// As many as the copies of all iterations that may be under way, a dozen each.
  static constexpr std::size_t kSlots = 128;
  static constexpr std::size_t kSlotBytes = 256 << 10;

  struct Slot {
    void* memory = nullptr;
    cudaEvent_t passed = nullptr;
  };

  void copy_slot(void* device, const void* host, std::size_t bytes);

  DeviceState& state_;
  std::array<Slot, kSlots> slots_;
  std::size_t next_ = 0;
};

/// Where a few bytes from the device arrive.
struct LandingSlot {
  void* memory = nullptr;  ///< pinned
  cudaEvent_t arrived = nullptr;
};

/// Everything here is used by one thread at a time, in its DeviceTurn. Nothing finer would gain: a
/// stream runs one kernel after the other anyway.
struct DeviceState {
  explicit DeviceState(int number);

  int device;
  std::recursive_mutex turn;

  cudaStream_t stream = nullptr;
  cudaMemPool_t pool = nullptr;
  std::unique_ptr<StreamWorkspace> workspace;
  std::unique_ptr<PinnedRing> pinned;
  std::vector<LandingSlot> free_slots;
  CudaContext context;
  DeviceGroup* group = nullptr;  ///< of other ranks, whose work this device's may wait for

  std::vector<GraphMemory*> graphs;          ///< memory of all graphs that live
  GraphMemory* recording = nullptr;          ///< of the graph that is being recorded
  std::vector<void*> freed_while_recording;  ///< but allocated before
};

/// Wait for an event, or for all of the stream, and throw CudaError where the device has failed or,
/// meanwhile, a rank that its work waits for.
void wait_for_event(const DeviceState& state, cudaEvent_t event, const char* during);
void wait_for_stream(const DeviceState& state, const char* during);

inline DeviceState& state_of(const CudaContext& ctx) {
  return *static_cast<DeviceState*>(ctx.state);
}

}  // namespace bptplr::kernels
