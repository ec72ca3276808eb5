// Inner loops of resize.cpp, on pairs of bytes in sixteen lanes: as plain loops, and with AVX2 and
// AVX-512 if the compiler may use them. All give the same bits.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#ifdef __AVX2__
#include <immintrin.h>
#endif
#if defined(__AVX512VL__) && defined(__AVX512BW__) && defined(__AVX512VNNI__)
#define BPTPLR_AVX512
#endif

namespace bptplr::byte_lanes {

inline constexpr int kLanes = 16;
/// Bytes in a vector that holds one pair per lane.
inline constexpr int kPairs = 2 * kLanes;
/// Fractional bits of the integer weights: a pixel has 8 bits and two are headroom, so that a sum
/// fits in 32. The weights of a sum add up to about 1.
inline constexpr int kWeightBits = 32 - 8 - 2;
inline constexpr std::int32_t kHalf = 1 << (kWeightBits - 1);

/// Bytes of a row that `transpose` reads.
inline constexpr int kRowBytes = 16;
/// Four RGB pixels are six pairs, each of the same channel of two neighbours.
inline constexpr int kPixels = 4;
inline constexpr std::array<std::int8_t, kRowBytes> kChannelPairs = {0, 3,  1, 4,  2,  5,  6,  9,
                                                                     7, 10, 8, 11, -1, -1, -1, -1};

namespace portable {

/// Weights of a pair, each in [0, 2^kWeightBits].
struct WeightPair {
  WeightPair(std::int32_t a, std::int32_t b) : first(a), second(b) {}

  std::int32_t first;
  std::int32_t second;
};

/// Weighted sum of bytes in each lane.
class Sums {
 public:
  /// sums[i] += weights.first * pairs[i][0] + weights.second * pairs[i][1]
  void add(const WeightPair& weights, const std::uint8_t* pairs) {
    for (std::size_t i = 0; i < kLanes; ++i) {
      sums_[i] += weights.first * pairs[2 * i] + weights.second * pairs[2 * i + 1];
    }
  }

  /// out[i] = sums[i] / 2^kWeightBits, rounded, at most 255
  void store(std::uint8_t* out) const {
    for (std::size_t i = 0; i < kLanes; ++i) {
      out[i] = static_cast<std::uint8_t>(std::min((sums_[i] + kHalf) >> kWeightBits, 255));
    }
  }

 private:
  std::array<std::int32_t, kLanes> sums_{};
};

/// Transposes pairs of sixteen rows into `count` <= 8 rows of sixteen pairs: to[p * to_stride + 2 *
/// i + b] = from[i * stride + place], where place is 2 * p + b or, with `channels`, kChannelPairs[2
/// * p + b].
template <bool channels, int count>
void transpose(const std::uint8_t* from, std::ptrdiff_t stride, std::uint8_t* to,
               std::ptrdiff_t to_stride) {
  for (int i = 0; i < kLanes; ++i) {
    for (int k = 0; k < 2 * count; ++k) {
      const int place = channels ? kChannelPairs[static_cast<std::size_t>(k)] : k;
      to[k / 2 * to_stride + 2 * i + k % 2] = from[i * stride + place];
    }
  }
}

}  // namespace portable

#ifdef __AVX2__
namespace avx2 {

/// Weights of a pair. As there is no fast product of a byte and 23 bits, each weight is split into
/// high * 2^16 + low, with low in [-2^15, 2^15).
struct WeightPair {
  WeightPair(std::int32_t first, std::int32_t second)
      : low((first & 0xffff) | static_cast<std::int32_t>(static_cast<std::uint32_t>(second) << 16)),
        high(0x10001 * (high_part(first) | high_part(second) << 8)) {}

  static std::int32_t high_part(std::int32_t weight) { return (weight + (1 << 15)) >> 16; }

  std::int32_t low;   ///< two of 16 bits
  std::int32_t high;  ///< two of 8 bits, twice
};

/// Weighted sum of bytes in each lane. The sums of the high parts fit in 16 bits: a high part is at
/// most twice its share of the 2^6 that all weights add up to, and 2 * 2^6 * 255 < 2^15. The low
/// parts and the total are exact modulo 2^32.
class Sums {
 public:
  void add(const WeightPair& weights, const std::uint8_t* pairs) {
    const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(pairs));
    const __m256i low = _mm256_set1_epi32(weights.low);
    const __m256i zero = _mm256_setzero_si256();
    low_[0] = _mm256_add_epi32(low_[0], _mm256_madd_epi16(_mm256_unpacklo_epi8(bytes, zero), low));
    low_[1] = _mm256_add_epi32(low_[1], _mm256_madd_epi16(_mm256_unpackhi_epi8(bytes, zero), low));
    high_ = _mm256_add_epi16(high_, _mm256_maddubs_epi16(bytes, _mm256_set1_epi32(weights.high)));
  }

  void store(std::uint8_t* out) const {
    const __m256i zero = _mm256_setzero_si256();
    const __m256i words = _mm256_packs_epi32(pixels(low_[0], _mm256_unpacklo_epi16(zero, high_)),
                                             pixels(low_[1], _mm256_unpackhi_epi16(zero, high_)));
    const __m256i bytes = _mm256_packus_epi16(words, words);
    // The halves of the register are packed separately, each twice.
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out),
                     _mm256_castsi256_si128(_mm256_permute4x64_epi64(bytes, 0b1000)));
  }

 private:
  static __m256i pixels(__m256i low, __m256i high) {
    return _mm256_srli_epi32(_mm256_add_epi32(low, high), kWeightBits);
  }

  __m256i low_[2] = {_mm256_set1_epi32(kHalf), _mm256_set1_epi32(kHalf)};
  __m256i high_ = _mm256_setzero_si256();
};

inline __m256i load_halves(const void* first, const void* second) {
  return _mm256_loadu2_m128i(static_cast<const __m128i*>(second),
                             static_cast<const __m128i*>(first));
}

/// Each half of a register holds eight of the rows.
template <bool channels, int count>
void transpose(const std::uint8_t* from, std::ptrdiff_t stride, std::uint8_t* to,
               std::ptrdiff_t to_stride) {
  constexpr int kHalfRows = kLanes / 2;
  __m256i now[kHalfRows];
  __m256i next[kHalfRows];
  for (int i = 0; i < kHalfRows; ++i) {
    now[i] = load_halves(from + stride * i, from + stride * (i + kHalfRows));
    if constexpr (channels) {
      now[i] = _mm256_shuffle_epi8(now[i], load_halves(kChannelPairs.data(), kChannelPairs.data()));
    }
  }
  // Each round interleaves the halves of 64 pairs, which moves the upper bit of their index to the
  // lowest place. Three rounds swap the three bits of the row with those of the column. The loops
  // are unrolled, or the compiler would turn them into copies of memory.
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < kHalfRows / 2; ++i) {
      next[2 * i] = _mm256_unpacklo_epi16(now[i], now[i + kHalfRows / 2]);
      next[2 * i + 1] = _mm256_unpackhi_epi16(now[i], now[i + kHalfRows / 2]);
    }
#pragma GCC unroll 8
    for (int i = 0; i < kHalfRows; ++i) now[i] = next[i];
  }
#pragma GCC unroll 8
  for (int p = 0; p < count; ++p) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + to_stride * p), now[p]);
  }
}

}  // namespace avx2

#ifdef BPTPLR_AVX512
namespace avx512 {

/// Equivalent of avx2::Sums with all lanes in one register and a single multiply-add instruction.
/// The masks avoid a false warning of GCC 12, which takes the undefined registers that the unmasked
/// forms start from for uninitialised variables.
class Sums {
 public:
  void add(const avx2::WeightPair& weights, const std::uint8_t* pairs) {
    const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(pairs));
    low_ = _mm512_dpwssd_epi32(low_, _mm512_maskz_cvtepu8_epi16(kAllWords, bytes),
                               _mm512_set1_epi32(weights.low));
    high_ = _mm256_add_epi16(high_, _mm256_maddubs_epi16(bytes, _mm256_set1_epi32(weights.high)));
  }

  void store(std::uint8_t* out) const {
    const __m512i high =
        _mm512_maskz_slli_epi32(kAll, _mm512_maskz_cvtepu16_epi32(kAll, high_), 16);
    const __m512i pixels = _mm512_maskz_srli_epi32(kAll, _mm512_add_epi32(low_, high), kWeightBits);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm512_maskz_cvtusepi32_epi8(kAll, pixels));
  }

 private:
  static constexpr __mmask16 kAll = 0xffff;
  static constexpr __mmask32 kAllWords = 0xffffffff;

  __m512i low_ = _mm512_set1_epi32(kHalf);
  __m256i high_ = _mm256_setzero_si256();
};

}  // namespace avx512

using avx512::Sums;
#else
using avx2::Sums;
#endif
using avx2::transpose;
using avx2::WeightPair;
#else
using portable::Sums;
using portable::transpose;
using portable::WeightPair;
#endif

}  // namespace bptplr::byte_lanes
