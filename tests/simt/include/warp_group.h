// Instructions of kernels/cuda/conv2d/hopper/warp_group.cuh on the host. Each warp of a group
// computes its own 16 rows of the product, from factors at the addresses in the descriptors.
#pragma once

#include <cstdint>
#include <cstring>
#include <source_location>

#include "tests/simt/include/tensor_core.h"

namespace bptplr::simt {

inline unsigned char* swizzled_shared() {
  return static_cast<unsigned char*>(dynamic_shared());
}

/// Returns an address in the window of shared memory, relative to the block's dynamic memory.
inline unsigned shared_address(const void* shared) {
  return static_cast<unsigned>(static_cast<const unsigned char*>(shared) - swizzled_shared());
}

/// Factor of depth 16 in PTX's canonical layouts with a swizzle of 128 bytes: ((8, m), (8, k)) :
/// ((1, leading), (8, stride)) in units of 16 bytes if stored across the depth, ((8, m), 2) : ((8,
/// stride), 1) if stored along it.
class Factor {
 public:
  Factor(std::uint64_t descriptor, bool is_across)
      : start_(field(descriptor)),
        leading_(field(descriptor >> 16)),
        stride_(field(descriptor >> 32)),
        is_across_(is_across),
        is_swizzled_by_128_(descriptor >> 62 == 1 && (descriptor >> 49 & 7) == 0) {}

  bool is_swizzled_by_128() const { return is_swizzled_by_128_; }
  /// Returns the value in row `row` of a (column of b) at `depth`.
  float at(unsigned row, unsigned depth) const {
    const unsigned offset =
        is_across_ ? row / 64 * leading_ + row % 64 * 2 + depth / 8 * stride_ + depth % 8 * 128
                   : row / 8 * stride_ + row % 8 * 128 + depth * 2;
    const unsigned address = start_ + offset;
    std::uint16_t bits;
    std::memcpy(&bits, swizzled_shared() + (address ^ (address >> 7 & 7) << 4), sizeof bits);
    return bfloat16_of(bits, 0);
  }

 private:
  static unsigned field(std::uint64_t bits) { return static_cast<unsigned>(bits & 0x3fff) << 4; }

  unsigned start_, leading_, stride_;
  bool is_across_, is_swizzled_by_128_;
};

inline void commit_products() {}

/// Ends the threads' own use of the sums (wgmma.fence).
template <int kEights>
void fence_sums(float (&)[kEights][4]) {}

template <int kEights>
void wait_products(float (&)[kEights][4]) {
  wait_for_products();
}

/// Computes c += a b of the warp group, at any time until its warps wait for it.
template <bool kAcrossA, bool kAcrossB, int kEights>
void multiply_group(float (&c)[kEights][4], std::uint64_t a, std::uint64_t b,
                    std::source_location where = std::source_location::current()) {
  require_fenced_copies(where);
  const Factor factor_a(a, kAcrossA), factor_b(b, kAcrossB);
  if (!factor_a.is_swizzled_by_128() || !factor_b.is_swizzled_by_128()) {
    fail("wgmma with a descriptor of another layout", where);
  }
  const unsigned warp_in_group = thread_idx().x / kWarpSize % 4;
  product_later([=, sums = &c[0][0]] {
    struct Operands {
      float* sums;
      const Factor *a, *b;
      unsigned first_row;
    } own{sums, &factor_a, &factor_b, 16 * warp_in_group};
    warp_together(
        &own,
        [](void* const* lanes) {
          const auto& first = *static_cast<const Operands*>(lanes[0]);
          float b_values[8 * kEights][16], a_values[16][16];
          for (unsigned k = 0; k < 16; ++k) {
            for (unsigned n = 0; n < 8 * kEights; ++n) b_values[n][k] = first.b->at(n, k);
            for (unsigned m = 0; m < 16; ++m) a_values[m][k] = first.a->at(first.first_row + m, k);
          }
          for (unsigned l = 0; l < kWarpSize; ++l) {
            float* own_sums = static_cast<const Operands*>(lanes[l])->sums;
            for (unsigned i = 0; i < 4 * kEights; ++i) {
              const float* row = a_values[l / 4 + i % 4 / 2 * 8];
              const float* column = b_values[i / 4 * 8 + l % 4 * 2 + i % 2];
              for (unsigned k = 0; k < 16; ++k) own_sums[i] += row[k] * column[k];
            }
          }
        },
        where);
  });
}

}  // namespace bptplr::simt
