// Instructions of kernels/cuda/device/tensor_core.cuh on the host, with the layout of the registers
// of the 32 lanes in the PTX manual. Each lane brings its registers, and the last one executes the
// instruction for all.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <source_location>

#include "tests/simt/executor.hpp"

namespace bptplr::simt {

/// Returns the lower or upper bfloat16 of a register.
inline float bfloat16_of(unsigned pair, unsigned half) {
  return std::bit_cast<float>(half == 0 ? pair << 16 : pair & 0xffff0000u);
}

inline bool is_aligned(const void* address) {
  return reinterpret_cast<std::uintptr_t>(address) % 16 == 0;
}

/// Counts loads of matrices whose rows do not cover all eight 16-byte columns of banks, and which a
/// GPU would therefore serialise.
inline std::uint64_t& bank_conflicts() {
  static std::uint64_t count = 0;
  return count;
}

inline unsigned banks_of(const void* row) {
  return 1u << reinterpret_cast<std::uintptr_t>(row) / 16 % 8;
}

/// Computes c += a b. Register r of a holds two values of row lane / 4 + 8 (r % 2), register r of b
/// two of column lane / 4; they begin at k = 2 (lane % 4), 8 later in the second half of the
/// registers. Value v of c is in row lane / 4 + 8 (v / 2), column 2 (lane % 4) + v % 2.
inline void mma(float (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1,
                std::source_location where = std::source_location::current()) {
  struct Operands {
    float* c;
    const unsigned* a;
    unsigned b[2];
  } own{c, a, {b0, b1}};
  warp_together(
      &own,
      [](void* const* lanes) {
        float a_values[16][16], b_values[16][8];
        for (unsigned l = 0; l < kWarpSize; ++l) {
          const auto& from = *static_cast<const Operands*>(lanes[l]);
          for (unsigned half = 0; half < 2; ++half) {
            const unsigned k = 2 * (l % 4) + half;
            for (unsigned r = 0; r < 4; ++r) {
              a_values[l / 4 + 8 * (r % 2)][k + 8 * (r / 2)] = bfloat16_of(from.a[r], half);
            }
            for (unsigned r = 0; r < 2; ++r)
              b_values[k + 8 * r][l / 4] = bfloat16_of(from.b[r], half);
          }
        }
        for (unsigned l = 0; l < kWarpSize; ++l) {
          float* sums = static_cast<const Operands*>(lanes[l])->c;
          for (unsigned v = 0; v < 4; ++v) {
            for (unsigned k = 0; k < 16; ++k) {
              sums[v] += a_values[l / 4 + 8 * (v / 2)][k] * b_values[k][2 * (l % 4) + v % 2];
            }
          }
        }
      },
      where);
}

/// Loads four 8 x 8 matrices; lane l brings the address of row l % 8 of matrix l / 8. A lane gets
/// two values of each: (lane / 4, 2 (lane % 4)) and the next in the row, transposed if kTransposed.
template <bool kTransposed>
void load_matrices(unsigned (&m)[4], const void* row,
                   std::source_location where = std::source_location::current()) {
  struct Operands {
    unsigned* m;
    const void* row;
  } own{m, row};
  if (!is_aligned(row)) fail("ldmatrix from an address that is no multiple of 16", where);
  warp_together(
      &own,
      [](void* const* lanes) {
        for (unsigned matrix = 0; matrix < 4; ++matrix) {
          std::uint16_t values[8][8];
          unsigned banks = 0;
          for (unsigned r = 0; r < 8; ++r) {
            const void* from = static_cast<const Operands*>(lanes[8 * matrix + r])->row;
            std::memcpy(values[r], from, 16);
            banks |= banks_of(from);
          }
          if (banks != 0xffu) ++bank_conflicts();
          for (unsigned l = 0; l < kWarpSize; ++l) {
            const unsigned i = l / 4, j = 2 * (l % 4);
            const unsigned low = kTransposed ? values[j][i] : values[i][j];
            const unsigned high = kTransposed ? values[j + 1][i] : values[i][j + 1];
            static_cast<const Operands*>(lanes[l])->m[matrix] = low | high << 16;
          }
        }
      },
      where);
}

/// Executes cp.async of 16 bytes, or of zeros if not `valid`.
inline void copy_async(void* shared, const void* global, bool valid,
                       std::source_location where = std::source_location::current()) {
  if (!is_aligned(shared) || (valid && !is_aligned(global))) {
    fail("cp.async at an address that is no multiple of 16", where);
  }
  copy_later(shared, valid ? global : nullptr);
}

inline void commit_async() {
  commit_copies();
}
template <int kPending>
void wait_async() {
  wait_for_copies(kPending);
}

}  // namespace bptplr::simt
