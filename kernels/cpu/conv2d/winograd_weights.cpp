// Gradient of the weights: that of a bilinear form, so the transforms of the forward pass turned
// around. With V = B^T d B and M = A dy A^T of every tile,
//
//   dw = G^T [sum over tiles V^T M, for each of the (m + 2)^2 matrices] G.
//
// The sums run over the tiles in their order, or, where there are few weights, over the tiles of
// each of kOwnSums parts, which are then added in order: the same for any number of threads.
#include <omp.h>

#include <algorithm>

#include "kernels/cpu/conv2d/tiling.hpp"
#include "kernels/cpu/conv2d/winograd.hpp"
#include "kernels/parallel.hpp"

namespace bptplr::kernels::conv {
namespace {

/// Sums of transformed weights, in floats, up to which every chunk has its own, in its core's
/// cache: 160 KiB.
constexpr std::int64_t kFewWeights = 40 << 10;
constexpr std::int64_t kOwnSums = 8;
/// Tiles of a block that a core works on alone.
constexpr std::int64_t kAloneTiles = 24;
/// Transformed tiles, in floats, of a block that all cores work on: 2 MiB. More tiles where the
/// sums are so many that reading and writing them for every block takes time.
constexpr std::int64_t kTogetherFloats = 1 << 19;
constexpr std::int64_t kManySums = 1 << 17;
constexpr std::int64_t kManyTiles = 112;
/// Tiles that one product sums over: their panel of M stays in the first cache.
constexpr std::int64_t kSummedTiles = 192;
/// Input channels of one task.
constexpr std::int64_t kTaskChannels = 48;

class WinogradWeightsPass {
 public:
  WinogradWeightsPass(const Conv2dShape& shape, const float* x, const float* dy)
      : t_(shape),
        x_(x),
        dy_(dy),
        sum_stride_(odd_lines(t_.s.c * t_.k)),
        v_row_(row_stride(t_.c)),
        m_row_(row_stride(t_.k)) {}

  void run(const CpuContext& ctx, float* dw) {
    const std::int64_t threads = omp_get_max_threads();
    const bool alone = t_.matrices * t_.s.c * t_.s.k <= kFewWeights;
    const std::int64_t tile_floats = t_.matrices * (v_row_ + m_row_);
    const std::int64_t together =
        t_.s.c * t_.s.k > kManySums ? kManyTiles : kTogetherFloats / tile_floats;
    const std::int64_t wanted = alone ? kAloneTiles : together;
    block_rows_ = std::clamp<std::int64_t>(wanted / t_.tiles_w, 1, t_.rows());
    const std::int64_t tiles = block_rows_ * t_.tiles_w;
    v_stride_ = odd_lines(tiles * v_row_);
    m_stride_ = odd_lines(tiles * m_row_);
    own_stride_ = odd_lines(std::max(
        {t_.input_strip().floats(), t_.output_strip(t_.k).floats(), 9 * kLaneChannels * t_.k}));
    const std::int64_t sums = alone ? kOwnSums : 1;
    const std::int64_t blocks = alone ? threads : 1;
    Scratch scratch;
    scratch.add(sums * t_.matrices * sum_stride_, sum_);
    scratch.add(blocks * t_.matrices * v_stride_, v_);
    scratch.add(blocks * t_.matrices * m_stride_, m_);
    scratch.add(threads * own_stride_, own_);
    scratch.add(kSummedTiles, v_offset_);
    scratch.reserve(ctx);
    fill_offsets(v_offset_, kSummedTiles, v_row_);
    if (alone) {
      sum_by_chunks();
    } else {
      sum_together();
    }
    finish(dw);
  }

 private:
  /// Input channels whose gradients are transformed back at a time: a cache line of dw.
  static constexpr std::int64_t kLaneChannels = 16;

  float* own() const { return own_ + omp_get_thread_num() * own_stride_; }

  void transform(std::int64_t row, std::int64_t tile, float* v, float* m) const {
    input_transform(t_, x_, row, own(), v_stride_, v_row_, v + tile * v_row_);
    const Extent gradient{t_.s.h, t_.s.w, t_.s.k};
    const Extent part = t_.output_strip(t_.k);
    const float* dy = dy_ + t_.image_of(row) * gradient.floats();
    if (t_.is_exact() && t_.s.k == t_.k) {
      dy += t_.top_of(row) * t_.s.w * t_.s.k;
    } else {
      copy_padded(dy, gradient, t_.top_of(row), 0, part, own());
      dy = own();
    }
    TileRow tiles = t_.tile_row(part, m_stride_);
    tiles.tile_stride = m_row_;
    t_.winograd->gradient(tiles, dy, m + tile * m_row_);
  }

  /// Adds the products of `tiles` tiles to channels [first, first + channels) of a matrix's sum.
  void add_products(const float* v, const float* m, std::int64_t tiles, std::int64_t matrix,
                    std::int64_t first, std::int64_t channels, float* sum) const {
    ColumnProduct p{};
    p.a_offset = v_offset_;
    p.m = channels;
    p.ldb = m_row_;
    p.c = sum + matrix * sum_stride_ + first * t_.k;
    p.ldc = t_.k;
    p.columns = t_.k;
    for (std::int64_t tile = 0; tile < tiles; tile += kSummedTiles) {
      p.a = v + matrix * v_stride_ + tile * v_row_ + first;
      p.b = m + matrix * m_stride_ + tile * m_row_;
      p.steps = std::min(kSummedTiles, tiles - tile);
      t_.leaf->column_product(p);
    }
  }

  void sum_by_chunks() const {
    const std::int64_t chunk_rows = chunk_count(t_.rows(), kOwnSums);
    parallel_tasks(kOwnSums, [&](std::int64_t chunk) {
      float* sum = sum_ + chunk * t_.matrices * sum_stride_;
      std::fill_n(sum, t_.matrices * sum_stride_, 0.0F);
      const std::int64_t end = std::min((chunk + 1) * chunk_rows, t_.rows());
      float* v = v_ + omp_get_thread_num() * t_.matrices * v_stride_;
      float* m = m_ + omp_get_thread_num() * t_.matrices * m_stride_;
      for (std::int64_t row = chunk * chunk_rows; row < end; row += block_rows_) {
        const std::int64_t rows = std::min(block_rows_, end - row);
        for (std::int64_t i = 0; i < rows; ++i) transform(row + i, i * t_.tiles_w, v, m);
        for (std::int64_t matrix = 0; matrix < t_.matrices; ++matrix) {
          add_products(v, m, rows * t_.tiles_w, matrix, 0, t_.s.c, sum);
        }
      }
    });
    parallel_for(t_.matrices * sum_stride_, kElementGrain,
                 [&](std::int64_t begin, std::int64_t end) {
                   for (std::int64_t chunk = 1; chunk < kOwnSums; ++chunk) {
                     const float* other = sum_ + chunk * t_.matrices * sum_stride_;
                     for (std::int64_t i = begin; i < end; ++i) sum_[i] += other[i];
                   }
                 });
  }

  void sum_together() const {
    const std::int64_t parts = chunk_count(t_.s.c, kTaskChannels);
    parallel_for(
        t_.matrices * sum_stride_, kElementGrain,
        [&](std::int64_t begin, std::int64_t end) { std::fill(sum_ + begin, sum_ + end, 0.0F); });
    for (std::int64_t row = 0; row < t_.rows(); row += block_rows_) {
      const std::int64_t rows = std::min(block_rows_, t_.rows() - row);
      parallel_tasks(rows, [&](std::int64_t i) { transform(row + i, i * t_.tiles_w, v_, m_); });
      parallel_tasks(t_.matrices * parts, [&](std::int64_t i) {
        const std::int64_t first = i % parts * kTaskChannels;
        add_products(v_, m_, rows * t_.tiles_w, i / parts, first,
                     std::min(kTaskChannels, t_.s.c - first), sum_);
      });
    }
  }

  /// Transforms the sums back: dw [k, 3, 3, c].
  void finish(float* dw) const {
    parallel_tasks(chunk_count(t_.s.c, kLaneChannels), [&](std::int64_t part) {
      const std::int64_t first = part * kLaneChannels;
      const std::int64_t channels = std::min(kLaneChannels, t_.s.c - first);
      const std::int64_t floats = channels * t_.k;
      t_.winograd->weights_gradient(sum_ + first * t_.k, sum_stride_, floats, own(), floats);
      for (std::int64_t k = 0; k < t_.s.k; ++k) {
        for (std::int64_t tap = 0; tap < 9; ++tap) {
          const float* from = own() + tap * floats + k;
          float* to = dw + (k * 9 + tap) * t_.s.c + first;
          for (std::int64_t c = 0; c < channels; ++c) to[c] = from[c * t_.k];
        }
      }
    });
  }

  Tiling t_;
  const float* x_;
  const float* dy_;
  std::int64_t sum_stride_;  ///< floats between the matrices [c, k] that are sums
  std::int64_t v_row_;       ///< floats between the rows, one for each tile, of v
  std::int64_t m_row_;       ///< of m
  std::int64_t block_rows_ = 0;
  std::int64_t v_stride_ = 0;
  std::int64_t m_stride_ = 0;
  std::int64_t own_stride_ = 0;
  float* sum_ = nullptr;
  float* v_ = nullptr;
  float* m_ = nullptr;
  float* own_ = nullptr;
  std::int32_t* v_offset_ = nullptr;
};

}  // namespace

void winograd_backward_weights(const CpuContext& ctx, const Conv2dShape& shape, const float* x,
                               const float* dy, float* dw) {
  WinogradWeightsPass(shape, x, dy).run(ctx, dw);
}

}  // namespace bptplr::kernels::conv
