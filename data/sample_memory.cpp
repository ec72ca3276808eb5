#include "data/sample_memory.hpp"

#include "engine/memory.hpp"
#include "kernels/device_memory.hpp"

namespace bptplr {

bool keeps_samples(Device device, SampleMemory memory, std::size_t bytes) {
  if (device.type == DeviceType::kCpu || memory == SampleMemory::kHost) return false;
  return memory == SampleMemory::kDevice ||
         bytes <= kernels::device_memory_use(cuda_context(device)).available / 2;
}

}  // namespace bptplr
