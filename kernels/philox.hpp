// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011): random
// words as a pure function of a counter and a key, the same on the CPU and on a GPU.
#pragma once

#include <cstdint>

#include "kernels/bfloat16.hpp"

namespace bptplr::kernels {

/// Four words: a counter, or the random words of it.
struct PhiloxBlock {
  std::uint32_t word[4];
};

/// Endless stream of random words: word i is word i % 4 of the block whose counter is that of the
/// first block plus i / 4.
struct PhiloxStream {
  std::uint32_t key[2];
  PhiloxBlock counter;  ///< of the first block; word 0 is incremented
};

/// Returns the block of a counter under a key.
BPTPLR_HOST_DEVICE inline PhiloxBlock philox4x32(PhiloxBlock c, std::uint32_t key0,
                                                 std::uint32_t key1) {
  constexpr std::uint64_t kMul0 = 0xD2511F53;
  constexpr std::uint64_t kMul1 = 0xCD9E8D57;
  constexpr std::uint32_t kWeyl0 = 0x9E3779B9;
  constexpr std::uint32_t kWeyl1 = 0xBB67AE85;
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = kMul0 * c.word[0];
    const std::uint64_t p1 = kMul1 * c.word[2];
    c = {{static_cast<std::uint32_t>(p1 >> 32) ^ c.word[1] ^ key0, static_cast<std::uint32_t>(p1),
          static_cast<std::uint32_t>(p0 >> 32) ^ c.word[3] ^ key1, static_cast<std::uint32_t>(p0)}};
    key0 += kWeyl0;
    key1 += kWeyl1;
  }
  return c;
}

/// Returns words 4 block ... 4 block + 3 of a stream.
BPTPLR_HOST_DEVICE inline PhiloxBlock philox_block(const PhiloxStream& stream,
                                                   std::uint32_t block) {
  PhiloxBlock counter = stream.counter;
  counter.word[0] += block;
  return philox4x32(counter, stream.key[0], stream.key[1]);
}

/// Returns a uniform number in [0, 1) from the 24 upper bits of a word.
BPTPLR_HOST_DEVICE inline float philox_uniform(std::uint32_t word) {
  return static_cast<float>(word >> 8) * 0x1p-24F;
}

}  // namespace bptplr::kernels
