// Memory for tensors and for the kernels' scratch space.
#pragma once

#include <cstddef>
#include <memory>

#include "engine/device.hpp"
#include "engine/error.hpp"
#include "kernels/context.hpp"

namespace bptplr {

/// A device has less memory than is needed.
class OutOfMemory : public Error {
 public:
  using Error::Error;
};

/// `bytes` of uninitialised memory on `device`, aligned to 64 bytes. What a GPU freed is kept and
/// used again; the CPU's memory is, too, after keep_freed_memory(). Throws OutOfMemory when there
/// is not enough.
std::shared_ptr<void> allocate(Device device, std::size_t bytes);

/// Copies between or within devices, in order with the work queued on them. A copy to the CPU waits
/// for that work.
void copy_bytes(Device target_device, void* target, Device source_device, const void* source,
                std::size_t bytes);
void clear_bytes(Device device, void* memory, std::size_t bytes);

/// Lets the process keep the CPU memory that it frees, so that a training loop in its steady state
/// asks the system for none: glibc otherwise hands large blocks back at once, and every new one
/// then costs a page fault per 4 KiB, about as long as the kernel that fills it. For programs; a
/// library must not decide this for the process that it is loaded into.
void keep_freed_memory();

/// Hands the CPU's freed memory back to the system, for the moment when another kind of work begins
/// whose blocks have other sizes. Where the system's allocator cannot, nothing happens.
void release_freed_memory();

/// Bytes: on a GPU those of tensors and scratch space, on the CPU those of the whole process.
struct MemoryUse {
  std::size_t now = 0;
  std::size_t peak = 0;  ///< the most there have been; of the CPU 0 where the system does not tell
  std::size_t available = 0;  ///< what could be had on top; of the CPU 0 where it does not tell
};
MemoryUse memory_use(Device device);
/// From here on the peak counts anew, where the system can do that.
void reset_peak_memory(Device device);

/// The execution context of the CPU kernels. Its scratch memory is the calling thread's own.
kernels::CpuContext cpu_context();
/// That of a GPU.
const kernels::CudaContext& cuda_context(Device device);

}  // namespace bptplr
