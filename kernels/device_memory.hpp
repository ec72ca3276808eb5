// The GPU as the engine sees it: whether there is one, its memory, copies to and from it. Without
// CUDA in the build (kernels/cuda/no_cuda.cpp) there is never a device, and nothing else here is
// reached.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "kernels/context.hpp"

namespace bptplr::kernels {

/// GPUs that this build can use on this machine.
int device_count();
/// "NVIDIA H200, 139.8 GiB, compute capability 9.0"
std::string device_description(int device);
/// Why device_count() is 0: "this bptplr was built without CUDA", "no NVIDIA driver was found", ...
std::string no_device_reason();

/// The stream that everything of `device` is queued on, and its scratch memory.
const CudaContext& device_context(int device);

/// Memory from the stream-ordered pool, which keeps what is given back: a training loop in its
/// steady state asks the driver for none. Aligned to 256 bytes; null when there is not enough.
void* device_allocate(const CudaContext& ctx, std::size_t bytes);
void device_release(const CudaContext& ctx, void* memory);
/// Bytes that the pool has given out now, the most there have been, and what it can still give.
struct DeviceMemoryUse {
  std::size_t now = 0;
  std::size_t peak = 0;
  std::size_t available = 0;
};
DeviceMemoryUse device_memory_use(const CudaContext& ctx);
/// From here on the peak counts anew.
void device_memory_reset_peak(const CudaContext& ctx);

/// Copies, in the order of the stream. The host side may be changed or freed as soon as the call
/// returns: the bytes travel through a ring of pinned memory, so that the call waits for the device
/// only when the ring is full.
void copy_to_device(const CudaContext& ctx, void* device, const void* host, std::size_t bytes);
/// Waits for everything queued so far.
void copy_to_host(const CudaContext& ctx, void* host, const void* device, std::size_t bytes);

/// A copy to the host that is not waited for until its bytes are needed.
class DelayedCopy {
 public:
  static constexpr std::size_t kMaxBytes = 256;

  virtual ~DelayedCopy() = default;
  virtual bool has_arrived() const = 0;
  /// The bytes, for as long as this lives; waits for them.
  virtual const void* wait() const = 0;
};
/// What lies at `device` when everything queued so far has been done; at most kMaxBytes.
std::unique_ptr<DelayedCopy> copy_to_host_later(const CudaContext& ctx, const void* device,
                                                std::size_t bytes);

void copy_on_device(const CudaContext& ctx, void* target, const void* source, std::size_t bytes);
void set_to_zero(const CudaContext& ctx, void* device, std::size_t bytes);
/// Waits for the device; throws CudaError if something queued has failed.
void synchronize(const CudaContext& ctx);

}  // namespace bptplr::kernels
