// Memory of the images of a data set.
#pragma once

#include "engine/names.hpp"

namespace bptplr {

/// Memory of the uint8 images from which a GPU makes views.
enum class ImageMemory {
  kAuto,    ///< on the GPU where they take at most half of what is free there
  kDevice,  ///< on the GPU
  kHost,    ///< in the CPU's memory; each batch travels through pinned memory
};
constexpr auto names_of(ImageMemory) {
  return std::to_array<NamedValue<ImageMemory>>({{ImageMemory::kAuto, "auto"},
                                                 {ImageMemory::kDevice, "device"},
                                                 {ImageMemory::kHost, "host"}});
}

}  // namespace bptplr
