// Vectors of floats in the compiler's own notation, as wide as a level of the instruction set. A
// vector that is wider than the processor's registers is computed in parts, with the same results:
// that is how the kernels for AVX-512 are tested on a processor without it.
#pragma once

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include <cstdint>
#include <cstring>

namespace bptplr::kernels::conv {

/// Register file of AVX2 and FMA: 16 registers of 8 floats. A product keeps 6 rows of two vectors
/// in 12 of them, two hold a row of the other factor, one an element.
struct Avx2 {
  static constexpr int kLanes = 8;
  static constexpr int kRows = 6;
};

/// Register file of AVX-512: 32 registers of 16 floats, so 8 rows of two vectors.
struct Avx512 {
  static constexpr int kLanes = 16;
  static constexpr int kRows = 8;
};

template <int kLanes>
struct VectorOf {
  using Type [[gnu::vector_size(kLanes * sizeof(float)), gnu::may_alias]] = float;
};

template <class Isa>
using Vec = typename VectorOf<Isa::kLanes>::Type;

#define BPTPLR_INLINE [[gnu::always_inline]] inline

template <class Isa>
BPTPLR_INLINE Vec<Isa> load(const float* from) {
  Vec<Isa> v;
  std::memcpy(&v, from, sizeof v);
  return v;
}

template <class Isa>
BPTPLR_INLINE void store(float* to, Vec<Isa> v) {
  std::memcpy(to, &v, sizeof v);
}

template <class Isa>
BPTPLR_INLINE Vec<Isa> broadcast(float value) {
  return value - Vec<Isa>{};  // x - 0 is x, also for -0
}

/// Returns a b + c, rounded once where the processor can.
template <class Isa>
BPTPLR_INLINE Vec<Isa> fma(Vec<Isa> a, Vec<Isa> b, Vec<Isa> c) {
#if defined(__AVX512F__)
  if constexpr (Isa::kLanes == 16) return Vec<Isa>(_mm512_fmadd_ps(a, b, c));
#endif
#if defined(__FMA__)
  if constexpr (Isa::kLanes == 8) {
    return Vec<Isa>(_mm256_fmadd_ps(a, b, c));
  } else {
    Vec<Isa> result;
    for (int part = 0; part < Isa::kLanes; part += 8) {
      __m256 parts[3];
      std::memcpy(&parts[0], reinterpret_cast<const float*>(&a) + part, sizeof(__m256));
      std::memcpy(&parts[1], reinterpret_cast<const float*>(&b) + part, sizeof(__m256));
      std::memcpy(&parts[2], reinterpret_cast<const float*>(&c) + part, sizeof(__m256));
      parts[0] = _mm256_fmadd_ps(parts[0], parts[1], parts[2]);
      std::memcpy(reinterpret_cast<float*>(&result) + part, &parts[0], sizeof(__m256));
    }
    return result;
  }
#else
  return a * b + c;
#endif
}

}  // namespace bptplr::kernels::conv
