// Memory of the samples of a data set.
#pragma once

#include <cstddef>

#include "engine/device.hpp"
#include "engine/names.hpp"

namespace bptplr {

/// Memory of the samples, as they are stored, from which a GPU makes views.
enum class SampleMemory {
  kAuto,    ///< on the GPU where they take at most half of what is free there
  kDevice,  ///< on the GPU
  kHost,    ///< in the CPU's memory; each batch travels through pinned memory
};
constexpr auto names_of(SampleMemory) {
  return std::to_array<NamedValue<SampleMemory>>({{SampleMemory::kAuto, "auto"},
                                                  {SampleMemory::kDevice, "device"},
                                                  {SampleMemory::kHost, "host"}});
}

/// Returns whether `bytes` of samples are to be copied to the device.
bool keeps_samples(Device device, SampleMemory memory, std::size_t bytes);

}  // namespace bptplr
