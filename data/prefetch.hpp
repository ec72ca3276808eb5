// Reads the images of the next batches from disk during training on the current one.
#pragma once

#include <cstdint>
#include <span>

#include "data/dataset.hpp"

namespace bptplr {

/// Asks the system to read these images if they are in a mapped file, and returns at once. The
/// caller must limit how far it prefetches, which takes memory. Skips indices out of range.
void prefetch(const Images& images, std::span<const std::int64_t> indices);

}  // namespace bptplr
