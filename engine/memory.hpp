// Memory for tensors and for the kernels' scratch space.
#pragma once

#include <cstddef>
#include <memory>

#include "engine/device.hpp"
#include "kernels/context.hpp"

namespace bptplr {

/// `bytes` of uninitialised memory on `device`, aligned to 64 bytes. Freed memory is kept and used
/// again, so that a training loop in its steady state asks the system for none. Throws Error when
/// there is not enough.
std::shared_ptr<void> allocate(Device device, std::size_t bytes);

/// The execution context of the CPU kernels. Its scratch memory is the calling thread's own.
kernels::CpuContext cpu_context();

}  // namespace bptplr
