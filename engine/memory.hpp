// Memory for tensors and for the kernels' scratch space.
#pragma once

#include <cstddef>
#include <memory>

#include "engine/device.hpp"
#include "engine/error.hpp"
#include "kernels/context.hpp"

namespace bptplr {

/// Error of a device with less memory than is needed.
class OutOfMemory : public Error {
 public:
  using Error::Error;
};

/// Allocates `bytes` of uninitialised memory on `device`, aligned to 64 bytes. Freed GPU memory is
/// kept and reused; freed CPU memory is too, after keep_freed_memory(). Throws OutOfMemory when
/// there is not enough.
std::shared_ptr<void> allocate(Device device, std::size_t bytes);

/// Copies between or within devices, in order with the work queued on them. A copy to the CPU waits
/// for that work.
void copy_bytes(Device target_device, void* target, Device source_device, const void* source,
                std::size_t bytes);
void clear_bytes(Device device, void* memory, std::size_t bytes);

/// Lets the process keep the CPU memory that it frees, so that a steady training loop asks the
/// system for none: glibc otherwise returns large blocks at once, and each new one costs a page
/// fault per 4 KiB, about as long as the kernel that fills it. For programs only; a library must
/// not decide this for the process that loads it.
void keep_freed_memory();

/// Returns the CPU's freed memory to the system, before work with blocks of other sizes begins.
/// Does nothing where the system's allocator cannot.
void release_freed_memory();

/// Memory use in bytes: on a GPU of tensors and scratch space, on the CPU of the whole process.
struct MemoryUse {
  std::size_t now = 0;
  std::size_t peak = 0;       ///< highest `now`; 0 for a CPU whose system does not report it
  std::size_t available = 0;  ///< further bytes that can be allocated; 0 for a CPU likewise
};
MemoryUse memory_use(Device device);
/// Restarts the measurement of the peak, where the system supports it.
void reset_peak_memory(Device device);

/// Returns the execution context of the CPU kernels, with scratch memory of the calling thread.
kernels::CpuContext cpu_context();
/// Returns the execution context of a GPU. Kernels are called through dispatch.hpp.
const kernels::CudaContext& cuda_context(Device device);

}  // namespace bptplr
