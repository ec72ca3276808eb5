// Memory of large tensors on the host. An iteration asks for the same sizes again and again, so
// freed blocks are kept for the next tensor of about their size; on the heap, which keeps them too,
// small objects that live on would cut the room between them into pieces.
#pragma once

#include <cstddef>

namespace bptplr {

/// Size from which tensors have blocks of their own, 1 MiB.
inline constexpr std::size_t kLeastBlock = 1U << 20;

/// Returns page-aligned memory of at least `bytes`, or null if there is none.
void* take_block(std::size_t bytes);
/// Gives back what take_block returned.
void return_block(void* memory);

/// From now on freed blocks are kept, as many as have been in use at one time.
void keep_blocks();
/// Keeps them while it lives, and gives them back when the last of its kind ends: for the training
/// of a library, whose process has other uses for memory too.
class KeptBlocks {
 public:
  KeptBlocks();
  ~KeptBlocks();
  KeptBlocks(const KeptBlocks&) = delete;
  KeptBlocks& operator=(const KeptBlocks&) = delete;
};
/// Gives those that are kept back to the system.
void release_blocks();
/// Returns the bytes of all blocks, in use and kept.
std::size_t held_blocks();

}  // namespace bptplr
