// Transforms of Winograd's minimal filtering F(m x m, 3 x 3) (Lavin and Gray 2016, "Fast algorithms
// for convolutional neural networks"):
//
//   y = A^T [(G g G^T) * (B^T d B)] A
//
// for a tile d of (m + 2)^2 input pixels, a filter g and m^2 output pixels y; * is by element. A
// sum over channels commutes with A, so the products by element of all tiles and channels are (m +
// 2)^2 products of matrices. The matrices follow from m + 1 points and infinity: 0, 1, -1 for m
// = 2.
#pragma once

#include "kernels/cpu/conv2d/leaf_kernels.hpp"
#include "kernels/cpu/conv2d/simd.hpp"

namespace bptplr::kernels::conv {

/// Transforms along one direction; every function fills `to` from `from`.
template <class Isa, int kM>
struct Winograd;

template <class Isa>
struct Winograd<Isa, 2> {
  using V = Vec<Isa>;
  BPTPLR_INLINE static void input(const V* from, V* to) {
    to[0] = from[0] - from[2];
    to[1] = from[1] + from[2];
    to[2] = from[2] - from[1];
    to[3] = from[1] - from[3];
  }
  BPTPLR_INLINE static void output(const V* from, V* to) {
    to[0] = from[0] + from[1] + from[2];
    to[1] = from[1] - from[2] - from[3];
  }
  BPTPLR_INLINE static void gradient(const V* from, V* to) {
    to[0] = from[0];
    to[1] = from[0] + from[1];
    to[2] = from[0] - from[1];
    to[3] = -from[1];
  }
  BPTPLR_INLINE static void weights(const V* from, V* to) {
    const V ends = 0.5F * (from[0] + from[2]);
    const V middle = 0.5F * from[1];
    to[0] = from[0];
    to[1] = ends + middle;
    to[2] = ends - middle;
    to[3] = from[2];
  }
  BPTPLR_INLINE static void weights_gradient(const V* from, V* to) {
    const V even = 0.5F * (from[1] + from[2]);
    to[0] = from[0] + even;
    to[1] = 0.5F * (from[1] - from[2]);
    to[2] = even + from[3];
  }
};

template <class Isa>
struct Winograd<Isa, 4> {
  using V = Vec<Isa>;
  // Points 0, a, -a, b, -b and infinity. With these a and b the error is half of that with the
  // usual 1 and 2, at the same cost.
  static constexpr float kA = 0.625F;
  static constexpr float kB = 1.5F;
  static constexpr float kA2 = kA * kA;
  static constexpr float kB2 = kB * kB;
  // Products of the differences of a, and of b, with the other points.
  static constexpr float kNormA = 2.0F * kA2 * (kA2 - kB2);
  static constexpr float kNormB = 2.0F * kB2 * (kB2 - kA2);

  BPTPLR_INLINE static V times(float factor, V v) { return broadcast<Isa>(factor) * v; }
  BPTPLR_INLINE static V times(float factor, V v, V addend) {
    return fma<Isa>(broadcast<Isa>(factor), v, addend);
  }
  BPTPLR_INLINE static void input(const V* from, V* to) {
    const V even_a = times(-kB2, from[2], from[4]);
    const V odd_a = times(-kB2, from[1], from[3]);
    const V even_b = times(-kA2, from[2], from[4]);
    const V odd_b = times(-kA2, from[1], from[3]);
    to[0] = times(kA2 * kB2, from[0], times(-(kA2 + kB2), from[2], from[4]));
    to[1] = times(kA, odd_a, even_a);
    to[2] = times(-kA, odd_a, even_a);
    to[3] = times(kB, odd_b, even_b);
    to[4] = times(-kB, odd_b, even_b);
    to[5] = times(kA2 * kB2, from[1], times(-(kA2 + kB2), from[3], from[5]));
  }
  BPTPLR_INLINE static void output(const V* from, V* to) {
    const V even_a = from[1] + from[2];
    const V odd_a = from[1] - from[2];
    const V even_b = from[3] + from[4];
    const V odd_b = from[3] - from[4];
    to[0] = from[0] + even_a + even_b;
    to[1] = times(kA, odd_a, times(kB, odd_b));
    to[2] = times(kA2, even_a, times(kB2, even_b));
    to[3] = times(kA * kA2, odd_a, times(kB * kB2, odd_b, from[5]));
  }
  BPTPLR_INLINE static void gradient(const V* from, V* to) {
    const V even_a = times(kA2, from[2], from[0]);
    const V odd_a = times(kA2, from[3], from[1]);
    const V even_b = times(kB2, from[2], from[0]);
    const V odd_b = times(kB2, from[3], from[1]);
    to[0] = from[0];
    to[1] = times(kA, odd_a, even_a);
    to[2] = times(-kA, odd_a, even_a);
    to[3] = times(kB, odd_b, even_b);
    to[4] = times(-kB, odd_b, even_b);
    to[5] = from[3];
  }
  BPTPLR_INLINE static void weights(const V* from, V* to) {
    const V even_a = times(1.0F / kNormA, from[0], times(kA2 / kNormA, from[2]));
    const V even_b = times(1.0F / kNormB, from[0], times(kB2 / kNormB, from[2]));
    to[0] = times(1.0F / (kA2 * kB2), from[0]);
    to[1] = times(kA / kNormA, from[1], even_a);
    to[2] = times(-kA / kNormA, from[1], even_a);
    to[3] = times(kB / kNormB, from[1], even_b);
    to[4] = times(-kB / kNormB, from[1], even_b);
    to[5] = from[2];
  }
  BPTPLR_INLINE static void weights_gradient(const V* from, V* to) {
    const V even_a = from[1] + from[2];
    const V odd_a = from[1] - from[2];
    const V even_b = from[3] + from[4];
    const V odd_b = from[3] - from[4];
    to[0] = times(1.0F / (kA2 * kB2), from[0],
                  times(1.0F / kNormA, even_a, times(1.0F / kNormB, even_b)));
    to[1] = times(kA / kNormA, odd_a, times(kB / kNormB, odd_b));
    to[2] = times(kA2 / kNormA, even_a, times(kB2 / kNormB, even_b, from[5]));
  }
};

/// Applies a transform of kFrom to kTo values to the columns and then to the rows of a tile.
template <class Isa, int kFrom, int kTo, class Transform, class Load, class Store>
BPTPLR_INLINE void transform_tile(Transform&& transform, Load&& load_at, Store&& store_at) {
  Vec<Isa> half[kTo][kFrom];
#pragma GCC unroll 6
  for (int j = 0; j < kFrom; ++j) {
    Vec<Isa> from[kFrom];
    Vec<Isa> to[kTo];
#pragma GCC unroll 6
    for (int i = 0; i < kFrom; ++i) from[i] = load_at(i, j);
    transform(from, to);
#pragma GCC unroll 6
    for (int i = 0; i < kTo; ++i) half[i][j] = to[i];
  }
#pragma GCC unroll 6
  for (int i = 0; i < kTo; ++i) {
    Vec<Isa> to[kTo];
    transform(half[i], to);
#pragma GCC unroll 6
    for (int j = 0; j < kTo; ++j) store_at(i, j, to[j]);
  }
}

/// Calls fn(offset in the strip, offset in a matrix) for every tile and vector of channels.
template <class Isa, int kM, class Fn>
BPTPLR_INLINE void for_each_tile(const TileRow& row, Fn&& fn) {
  for (std::int64_t tile = 0; tile < row.tiles; ++tile) {
    for (std::int64_t c = 0; c < row.channels; c += Isa::kLanes) {
      fn(tile * kM * row.pixel_stride + c, tile * row.tile_stride + c);
    }
  }
}

template <class Isa, int kM>
class TileTransforms {
 public:
  static constexpr int kTile = kM + 2;
  using W = Winograd<Isa, kM>;

  static void input(const TileRow& row, const float* strip, float* v) {
    to_matrices<kTile>(row, strip, v, [](const Vec<Isa>* f, Vec<Isa>* t) { W::input(f, t); });
  }
  static void gradient(const TileRow& row, const float* strip, float* v) {
    to_matrices<kM>(row, strip, v, [](const Vec<Isa>* f, Vec<Isa>* t) { W::gradient(f, t); });
  }
  static void output(const TileRow& row, const float* v, float* strip) {
    for_each_tile<Isa, kM>(row, [&](std::int64_t to, std::int64_t from) {
      transform_tile<Isa, kTile, kM>(
          [](const Vec<Isa>* f, Vec<Isa>* t) { W::output(f, t); },
          [&](int i, int j) { return load<Isa>(v + from + (i * kTile + j) * row.matrix_stride); },
          [&](int i, int j, Vec<Isa> value) {
            store<Isa>(strip + to + i * row.row_stride + j * row.pixel_stride, value);
          });
    });
  }
  static void weights(const float* taps, std::int64_t tap_stride, std::int64_t count, float* u,
                      std::int64_t matrix_stride) {
    for (std::int64_t k = 0; k < count; k += Isa::kLanes) {
      transform_tile<Isa, 3, kTile>(
          [](const Vec<Isa>* f, Vec<Isa>* t) { W::weights(f, t); },
          [&](int i, int j) { return load<Isa>(taps + k + (i * 3 + j) * tap_stride); },
          [&](int i, int j, Vec<Isa> value) {
            store<Isa>(u + k + (i * kTile + j) * matrix_stride, value);
          });
    }
  }
  static void weights_gradient(const float* u, std::int64_t matrix_stride, std::int64_t count,
                               float* taps, std::int64_t tap_stride) {
    for (std::int64_t k = 0; k < count; k += Isa::kLanes) {
      transform_tile<Isa, kTile, 3>(
          [](const Vec<Isa>* f, Vec<Isa>* t) { W::weights_gradient(f, t); },
          [&](int i, int j) { return load<Isa>(u + k + (i * kTile + j) * matrix_stride); },
          [&](int i, int j, Vec<Isa> value) {
            store<Isa>(taps + k + (i * 3 + j) * tap_stride, value);
          });
    }
  }
  static constexpr WinogradKernels table() {
    return {kM, input, gradient, output, weights, weights_gradient};
  }

 private:
  /// Transforms kFrom^2 pixels of every tile of the strip to an element of every matrix.
  template <int kFrom, class Transform>
  static void to_matrices(const TileRow& row, const float* strip, float* v, Transform transform) {
    for_each_tile<Isa, kM>(row, [&](std::int64_t from, std::int64_t to) {
      transform_tile<Isa, kFrom, kTile>(
          transform,
          [&](int i, int j) {
            return load<Isa>(strip + from + i * row.row_stride + j * row.pixel_stride);
          },
          [&](int i, int j, Vec<Isa> value) {
            store<Isa>(v + to + (i * kTile + j) * row.matrix_stride, value);
          });
    });
  }
};

}  // namespace bptplr::kernels::conv
