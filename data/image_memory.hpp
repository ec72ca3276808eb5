// Where the images of a data set are kept.
#pragma once

#include "engine/names.hpp"

namespace bptplr {

/// Where the images wait that a GPU makes views of, as uint8.
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
