// Forward and data pass. A block of tiles is transformed, multiplied and transformed back by one
// thread while it lies in that core's cache. Where the transformed weights alone fill the caches
// (many channels, and therefore few tiles), they would be read again for every block: there the
// three steps run one after the other over all tiles, each in parallel.
#include "kernels/cpu/conv2d/winograd.hpp"

#include <omp.h>

#include <algorithm>
#include <utility>

#include "kernels/cpu/conv2d/tiling.hpp"
#include "kernels/parallel.hpp"

namespace bptplr::kernels::conv {
namespace {

/// Tiles of a block: enough to use each weight often, few enough for a cache of 256 KiB.
constexpr std::int64_t kBlockTiles = 24;
/// Transformed weights, in floats, from which on steps run over all tiles: 4 MiB.
constexpr std::int64_t kManyWeights = 1 << 20;
/// Transformed tiles, in floats, that are held at a time then: 64 MiB.
constexpr std::int64_t kHeldTiles = 1 << 24;
/// Tiles whose products with all weights of a matrix are computed in one go.
constexpr std::int64_t kProductTiles = 96;

/// Weight g[tap, input channel, output channel] of the convolution that is computed.
struct Filters {
  const float* w;
  std::int64_t channels;  ///< of w [., 3, 3, channels]
  bool is_turned;         ///< the data pass: filters turned by half, input and output exchanged

  /// Packs a tap of the output channels from `first` on.
  void pack(std::int64_t tap, std::int64_t depth, std::int64_t first, std::int64_t columns,
            std::int64_t width, float* panel) const {
    const std::int64_t filter = 9 * channels;
    if (is_turned) {
      pack_rows([&](std::int64_t d) { return w + d * filter + (8 - tap) * channels; }, depth, first,
                columns, width, panel);
    } else {
      pack_columns(w + tap * channels, filter, depth, first, columns, width, panel);
    }
  }
};

/// One pass over one batch of images.
class WinogradPass {
 public:
  WinogradPass(const Conv2dShape& shape, const Filters& filters, const float* x, float* y)
      : t_(shape),
        filters_(filters),
        x_(x),
        y_(y),
        block_rows_(std::clamp<std::int64_t>(kBlockTiles / t_.tiles_w, 1, t_.rows())),
        u_stride_(t_.s.c * t_.k),
        v_row_(row_stride(t_.c)) {}

  /// Blocks of a group of images: the parts that an epilogue sees.
  std::int64_t blocks(std::int64_t groups) const {
    return chunk_count(t_.rows() / groups, block_rows_);
  }

  void run(const CpuContext& ctx, Scratch& scratch, const Epilogue& epilogue) {
    const std::int64_t threads = omp_get_max_threads();
    const std::int64_t parts = epilogue.groups * blocks(epilogue.groups);
    const bool by_steps = t_.matrices * u_stride_ >= kManyWeights;
    const std::int64_t block_tiles = block_rows_ * t_.tiles_w;
    const std::int64_t held = held_parts(parts, block_tiles);
    const std::int64_t panel = std::min(t_.k, 2 * t_.leaf->lanes);
    const std::int64_t tiles = by_steps ? held * block_tiles : block_tiles;
    const std::int64_t copies = by_steps ? 1 : threads;
    m_row_ = by_steps ? row_stride(t_.k) : panel;
    v_stride_ = odd_lines(tiles * v_row_);
    m_stride_ = odd_lines(tiles * m_row_);
    own_stride_ = odd_lines(
        std::max({9 * t_.s.c * panel, t_.input_strip().floats(), t_.output_strip(panel).floats()}));
    const std::int64_t rows = by_steps ? kProductTiles : tiles;
    scratch.add(t_.matrices * u_stride_, u_);
    scratch.add(copies * t_.matrices * v_stride_, v_);
    scratch.add(copies * t_.matrices * m_stride_, m_);
    scratch.add(threads * own_stride_, own_);
    scratch.add(rows, v_offset_);
    scratch.add(rows, m_offset_);
    scratch.reserve(ctx);
    fill_offsets(v_offset_, rows, v_row_);
    fill_offsets(m_offset_, rows, m_row_);
    if (epilogue.begin) epilogue.begin();
    transform_weights();
    if (!by_steps) return run_by_blocks(parts, epilogue);
    for (std::int64_t first = 0; first < parts; first += held) {
      run_steps(first, std::min(first + held, parts), epilogue);
    }
  }

 private:
  std::int64_t held_parts(std::int64_t parts, std::int64_t block_tiles) const {
    const std::int64_t floats = t_.matrices * (v_row_ + row_stride(t_.k)) * block_tiles;
    return std::clamp<std::int64_t>(kHeldTiles / floats, 1, parts);
  }
  /// Scratch of the calling thread.
  float* own() const { return own_ + omp_get_thread_num() * own_stride_; }

  /// Rows of tiles of a part: [first, end).
  struct Rows {
    std::int64_t first, end;
  };
  Rows rows_of(std::int64_t part, std::int64_t groups) const {
    const std::int64_t group_rows = t_.rows() / groups;
    const std::int64_t group = part / blocks(groups);
    const std::int64_t first = group * group_rows + part % blocks(groups) * block_rows_;
    return {first, std::min(first + block_rows_, (group + 1) * group_rows)};
  }
  void finish(std::int64_t part, const Rows& rows, const Epilogue& epilogue) const {
    if (!epilogue.finish) return;
    const std::int64_t first = t_.pixel_of(rows.first);
    epilogue.finish(part, first, t_.pixel_of(rows.end) - first);
  }

  void transform_weights() {
    parallel_tasks(chunk_count(t_.s.k, 2 * t_.leaf->lanes), [&](std::int64_t panel) {
      const std::int64_t first = panel * 2 * t_.leaf->lanes;
      const std::int64_t width = panel_columns(first, t_.s.k, t_.leaf->lanes);
      const std::int64_t floats = t_.s.c * width;
      for (std::int64_t tap = 0; tap < 9; ++tap) {
        filters_.pack(tap, t_.s.c, first, t_.s.k, width, own() + tap * floats);
      }
      t_.winograd->weights(own(), floats, floats, u_ + first * t_.s.c, u_stride_);
    });
  }

  /// Fills the rows of v that a row of tiles has in every matrix.
  void transform_input(std::int64_t row, float* v) const {
    input_transform(t_, x_, row, own(), v_stride_, v_row_, v);
  }

  /// Computes `width` output channels from `column` on of a row of tiles.
  void transform_output(std::int64_t row, const float* m, std::int64_t column,
                        std::int64_t width) const {
    const Extent image{t_.s.h, t_.s.w, t_.s.k};
    const Extent strip = t_.output_strip(width);
    const std::int64_t top = t_.top_of(row);
    float* y = y_ + t_.image_of(row) * image.floats();
    TileRow tiles = t_.tile_row(strip, m_stride_);
    tiles.tile_stride = m_row_;
    if (t_.is_exact() && column + width <= t_.s.k) {
      tiles.row_stride = t_.s.w * t_.s.k;
      tiles.pixel_stride = t_.s.k;
      t_.winograd->output(tiles, m, y + top * tiles.row_stride + column);
      return;
    }
    t_.winograd->output(tiles, m, own());
    copy_within(own(), strip, y, image, top, 0, column);
  }

  RowProduct product(std::int64_t tiles, std::int64_t columns) const {
    RowProduct p{};
    p.a_offset = v_offset_;
    p.rows = tiles;
    p.taps = 1;
    p.depth = t_.s.c;
    p.columns = columns;
    p.c_offset = m_offset_;
    return p;
  }

  void run_by_blocks(std::int64_t parts, const Epilogue& epilogue) const {
    parallel_tasks(parts, [&](std::int64_t part) {
      const Rows rows = rows_of(part, epilogue.groups);
      run_block(rows);
      finish(part, rows, epilogue);
    });
  }

  void run_block(const Rows& rows) const {
    const std::int64_t thread = omp_get_thread_num();
    float* v = v_ + thread * t_.matrices * v_stride_;
    float* m = m_ + thread * t_.matrices * m_stride_;
    for (std::int64_t row = rows.first; row < rows.end; ++row) {
      transform_input(row, v + (row - rows.first) * t_.tiles_w * v_row_);
    }
    for_each_panel_of(t_.s.k, t_.leaf->lanes, [&](std::int64_t column, std::int64_t width) {
      RowProduct p = product((rows.end - rows.first) * t_.tiles_w, width);
      p.a = v;
      p.b = u_ + column * t_.s.c;
      p.c = m;
      p.batch = t_.matrices;
      p.a_batch = v_stride_;
      p.b_batch = u_stride_;
      p.c_batch = m_stride_;
      t_.leaf->row_product(p);
      for (std::int64_t row = rows.first; row < rows.end; ++row) {
        const float* of_row = m + (row - rows.first) * t_.tiles_w * m_row_;
        transform_output(row, of_row, column, width);
      }
    });
  }

  void run_steps(std::int64_t first_part, std::int64_t end_part, const Epilogue& epilogue) const {
    const std::int64_t first = rows_of(first_part, epilogue.groups).first;
    const std::int64_t tiles = (rows_of(end_part - 1, epilogue.groups).end - first) * t_.tiles_w;
    parallel_tasks(end_part - first_part, [&](std::int64_t i) {
      const Rows rows = rows_of(first_part + i, epilogue.groups);
      for (std::int64_t row = rows.first; row < rows.end; ++row) {
        transform_input(row, v_ + (row - first) * t_.tiles_w * v_row_);
      }
    });
    const std::int64_t products = chunk_count(tiles, kProductTiles);
    parallel_tasks(t_.matrices * products, [&](std::int64_t i) {
      const std::int64_t matrix = i / products;
      const std::int64_t tile = i % products * kProductTiles;
      RowProduct p = product(std::min(kProductTiles, tiles - tile), t_.k);
      p.a = v_ + matrix * v_stride_ + tile * v_row_;
      p.b = u_ + matrix * u_stride_;
      p.c = m_ + matrix * m_stride_ + tile * m_row_;
      t_.leaf->row_product(p);
    });
    parallel_tasks(end_part - first_part, [&](std::int64_t i) {
      const Rows rows = rows_of(first_part + i, epilogue.groups);
      for_each_panel_of(t_.s.k, t_.leaf->lanes, [&](std::int64_t column, std::int64_t width) {
        for (std::int64_t row = rows.first; row < rows.end; ++row) {
          const float* of_row = m_ + (row - first) * t_.tiles_w * m_row_ + column;
          transform_output(row, of_row, column, width);
        }
      });
      finish(first_part + i, rows, epilogue);
    });
  }

  Tiling t_;
  Filters filters_;
  const float* x_;
  float* y_;
  std::int64_t block_rows_;
  std::int64_t u_stride_;      ///< floats between matrices of u [c, k], packed
  std::int64_t v_stride_ = 0;  ///< of v [tiles, c]
  std::int64_t m_stride_ = 0;  ///< of m [tiles, a panel or k]
  std::int64_t v_row_;         ///< floats between rows of v
  std::int64_t m_row_ = 0;     ///< of m
  std::int64_t own_stride_ = 0;
  float* u_ = nullptr;
  float* v_ = nullptr;
  float* m_ = nullptr;
  float* own_ = nullptr;
  std::int32_t* v_offset_ = nullptr;
  std::int32_t* m_offset_ = nullptr;
};

/// What a tile costs beside its products, in multiplications per channel of the input and of the
/// output, as measured.
constexpr std::int64_t kInputCost = 440;
constexpr std::int64_t kOutputCost = 300;

}  // namespace

bool prefers_winograd(const Conv2dShape& s) {
  if (s.kernel != 3 || s.stride != 1 || s.padding != 1 || s.c < 8 || s.k < 8) return false;
  if (s.n == 0 || s.h == 0 || s.w == 0) return false;
  const Tiling t(s);
  const std::int64_t direct = 9 * s.h * s.w * s.c * s.k;
  const std::int64_t tiles = t.tiles_h * t.tiles_w;
  const std::int64_t winograd =
      tiles * t.matrices * (s.c * s.k + (kInputCost * s.c + kOutputCost * s.k) / 36);
  return winograd < direct;
}

std::int64_t winograd_parts(const Conv2dShape& shape, std::int64_t groups) {
  return WinogradPass(shape, {}, nullptr, nullptr).blocks(groups);
}

void winograd_forward(const CpuContext& ctx, const Conv2dShape& shape, const float* x,
                      const float* w, float* y, Scratch& scratch, const Epilogue& epilogue) {
  WinogradPass(shape, {w, shape.c, false}, x, y).run(ctx, scratch, epilogue);
}

void winograd_backward_data(const CpuContext& ctx, const Conv2dShape& shape, const float* dy,
                            const float* w, float* dx) {
  Conv2dShape turned = shape;
  std::swap(turned.c, turned.k);
  Scratch scratch;
  WinogradPass(turned, {w, shape.c, true}, dy, dx).run(ctx, scratch, {});
}

}  // namespace bptplr::kernels::conv
