// GPU devices for the engine: availability, memory, copies to and from it. A build without CUDA
// (kernels/cuda/no_cuda.cpp) never has a device, and calls nothing else of this file.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>

#include "kernels/context.hpp"

namespace bptplr::kernels {

/// Returns the number of GPUs that this build can use on this machine.
int device_count();
/// Returns a text such as "NVIDIA H200, 139.8 GiB, compute capability 9.0".
std::string device_description(int device);
/// Returns why device_count() is 0: "this bptplr was built without CUDA", "no NVIDIA driver was
/// found", ...
std::string no_device_reason();

/// Returns the context of `device`: its only stream, and its scratch memory.
const CudaContext& device_context(int device);

/// A thread's turn at a device. Its stream and scratch memory are shared, so all launches of a
/// kernel, a copy with its wait and the recording of a graph are one turn each: other threads wait.
/// What this file and device_graph.hpp declare takes a turn by itself; who calls kernels takes it
/// around them. A thread may take turns within its own. Nothing is locked for a context without a
/// state.
class DeviceTurn {
 public:
  explicit DeviceTurn(const CudaContext& ctx);

 private:
  std::unique_lock<std::recursive_mutex> lock_;
};

/// Allocates from the stream-ordered pool, which keeps freed memory, so that a steady training loop
/// asks the driver for none. Aligned to 256 bytes; null if there is not enough.
void* device_allocate(const CudaContext& ctx, std::size_t bytes);
void device_release(const CudaContext& ctx, void* memory);
/// Bytes that the pool has allocated now, their maximum so far, and what can still be allocated.
struct DeviceMemoryUse {
  std::size_t now = 0;
  std::size_t peak = 0;
  std::size_t available = 0;
};
DeviceMemoryUse device_memory_use(const CudaContext& ctx);
/// Restarts the measurement of the peak.
void device_memory_reset_peak(const CudaContext& ctx);

/// Copies in stream order. The host memory may be changed or freed when the call returns: the bytes
/// pass through a ring of pinned memory, and the call waits for the device only if the ring is
/// full.
void copy_to_device(const CudaContext& ctx, void* device, const void* host, std::size_t bytes);
/// Copies to the host; waits for everything queued so far.
void copy_to_host(const CudaContext& ctx, void* host, const void* device, std::size_t bytes);

/// Copy to the host that is waited for only when its bytes are needed.
class DelayedCopy {
 public:
  static constexpr std::size_t kMaxBytes = 256;

  virtual ~DelayedCopy() = default;
  virtual bool has_arrived() const = 0;
  /// Returns the bytes, valid during the lifetime of this object; waits for them.
  virtual const void* wait() const = 0;
};
/// Starts a copy of the bytes at `device`, at most kMaxBytes, as they are when everything queued so
/// far is done.
std::unique_ptr<DelayedCopy> copy_to_host_later(const CudaContext& ctx, const void* device,
                                                std::size_t bytes);

void copy_on_device(const CudaContext& ctx, void* target, const void* source, std::size_t bytes);
void set_to_zero(const CudaContext& ctx, void* device, std::size_t bytes);
/// Waits for the device; throws CudaError if something queued has failed.
void synchronize(const CudaContext& ctx);

}  // namespace bptplr::kernels
