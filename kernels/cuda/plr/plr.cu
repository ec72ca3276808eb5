// The contrastive loss and its gradient, arranged as flash attention is: similarities exist only in
// tiles, are computed twice, and never reach device memory.
//
//   row_sums    running maximum and sum of exp s_ij over the negatives of each anchor.
//   totals      one block: adds the positives, gives L_i, the slopes of s_i,pos, the mean.
//   gradients   the tiles again: the weights p_ij + p_ji of a tile (and, where j is the positive of
//               i, its two slopes) go to shared memory and multiply the tile's features, which are
//               still there. Both of p_ij and p_ji follow from s_ij, L_i and L_j, so a block writes
//               the gradient of its own anchors only.
//   add_parts   adds what the blocks of a row of tiles found; see below.
//
// Only totals knows which loss it is; only the mask knows whether there are class sets.
//
// A block takes a tile of kSide anchors and streams others in tiles of kSide through shared memory.
// With 2n = 256 anchors that would be few blocks, so the columns are cut into parts as well, enough
// for two blocks on each SM, and the parts are added in order. Tiles are 32 x 32 (2 x 4 pairs a
// thread) for few anchors and 64 x 64 (4 x 4 pairs) for many. Into how many parts depends on the
// problem and not on the GPU, and so do the bits of the result.
//
// The floor is arithmetic: three products of 2 (2n)^2 dim FLOP, 50 MFLOP for 256 anchors of 128
// values (0.8 us at the H200's 67 TFLOPS: launches take longer), 13 GFLOP for 4,096 (0.2 ms). The
// features come in once and the gradient goes out once, 16 n dim bytes: 256 KiB and 4 MiB. The
// parts of the gradient add at most kBlocks kSide kDepth floats out and in (8 MiB), which stay in
// L2.
#include <algorithm>
#include <limits>
#include <utility>

#include "kernels/cuda/device/block.cuh"
#include "kernels/cuda/plr/tile.cuh"
#include "kernels/cuda/runtime/launch.hpp"
#include "kernels/plr.hpp"

namespace bptplr::kernels {
namespace plr {
namespace {

// The log of an empty sum.
constexpr float kNothing = -std::numeric_limits<float>::infinity();

constexpr int kBlocks = 2 * 132;   // that fill an H200; on every GPU, see above
constexpr int kManyAnchors = 640;  // from here on tiles of 64 x 64 occupy most of the SMs
constexpr int kTotalsThreads = 1024;
constexpr int kAddThreads = 256;

/// What is subtracted in exponents: never -inf, since exp(-inf - -inf) is not a number.
__device__ __forceinline__ float reference(float maximum) {
  return maximum == kNothing ? 0.0f : maximum;
}

/// Sums over the negatives of an anchor: sum exp s = sum * exp maximum.
struct RowSum {
  float maximum = kNothing;
  float sum = 0.0f;
  int found = 0;
};

/// Row sums of each part of the columns: [parts, count].
struct PartSums {
  float* maximum;
  float* sum;
  int* found;
};

/// Adds exp of the thread's pairs of a row; kNothing for one that is no negative.
__device__ __forceinline__ void add(RowSum& row, const float (&s)[kColumns]) {
  float largest = row.maximum;
  for (int c = 0; c < kColumns; ++c) largest = max(largest, s[c]);
  row.sum *= __expf(row.maximum - reference(largest));
  for (int c = 0; c < kColumns; ++c) row.sum += __expf(s[c] - reference(largest));
  row.maximum = largest;
}

/// The sum over the kLaneColumns lanes that share a row, in the first of them.
__device__ __forceinline__ RowSum over_lanes(RowSum row) {
#pragma unroll
  for (int lanes = kLaneColumns / 2; lanes > 0; lanes /= 2) {
    const float maximum = __shfl_xor_sync(kAllLanes, row.maximum, lanes);
    const float sum = __shfl_xor_sync(kAllLanes, row.sum, lanes);
    const float largest = max(row.maximum, maximum);
    row.sum = row.sum * __expf(row.maximum - reference(largest)) +
              sum * __expf(maximum - reference(largest));
    row.maximum = largest;
    row.found += __shfl_xor_sync(kAllLanes, row.found, lanes);
  }
  return row;
}

template <int kSide, int kWidth>
__global__ void __launch_bounds__(Tile<kSide>::kThreads, 2)
    row_sums_kernel(Anchors a, PartSums parts, float* positive) {
  using T = Tile<kSide>;
  float* rows = dynamic_shared<float>();
  float* columns = rows + T::kFeatures;
  const int i0 = blockIdx.x * kSide, first = blockIdx.y * kSide;
  const int first_row = i0 + T::row(), column = T::column();
  RowSum row_sums[T::kRows];
  for (int j0 = first; j0 < a.count; j0 += gridDim.y * kSide) {
    const unsigned negatives = negative_pairs<kSide>(a, i0, j0);
    typename T::Pairs s;
    dot_products<kSide, kWidth>(a, i0, j0, j0 > first && a.slabs == 1, 0, rows, columns, s);
    for (int r = 0; r < T::kRows; ++r) {
      const int i = first_row + r * kThreadRows;
      for (int c = 0; c < kColumns; ++c) {
        s[r][c] *= a.inverse_tau;
        const int j = j0 + column + c * T::kThreadColumns;
        if (i < a.count && j == a.positive_of(i)) positive[i] = s[r][c];
        if ((negatives & pair_bit(r, c)) == 0) s[r][c] = kNothing;
      }
      add(row_sums[r], s[r]);
      row_sums[r].found += __popc(negatives & row_bits(r));
    }
  }
  // The warps beside each other leave a part each.
  const std::int64_t part = blockIdx.y * T::kWarpColumns + T::warp_column();
  for (int r = 0; r < T::kRows; ++r) {
    const RowSum row = over_lanes(row_sums[r]);
    const int i = first_row + r * kThreadRows;
    if (threadIdx.x % kLaneColumns != 0 || i >= a.count) continue;
    parts.maximum[part * a.count + i] = row.maximum;
    parts.sum[part * a.count + i] = row.sum;
    parts.found[part * a.count + i] = row.found;
  }
}

/// What the gradient needs to know of the anchors.
struct Totals {
  float* log_sum;  // [count] L_i, kNothing for an anchor that does not count
  float* slope;    // [count] d loss / d s_i,pos, without `scale`
  float* scale;    // [1] 1 / (tau * anchors that count)
};

/// The parts of anchor i added, with its positive where it belongs to the sum. Returns its loss.
__device__ float total_of(ContrastiveLoss kind, int i, int count, int part_count,
                          const PartSums& parts, float positive, const Totals& totals,
                          std::int64_t* negatives) {
  const bool with_positive = kind == ContrastiveLoss::kPlr;
  float largest = with_positive ? positive : kNothing;
  for (std::int64_t p = 0; p < part_count; ++p) {
    largest = max(largest, parts.maximum[p * count + i]);
  }
  float sum = with_positive ? expf(positive - largest) : 0.0f;
  std::int64_t found = 0;
  for (std::int64_t p = 0; p < part_count; ++p) {
    sum += parts.sum[p * count + i] * expf(parts.maximum[p * count + i] - reference(largest));
    found += parts.found[p * count + i];
  }
  totals.log_sum[i] = largest + logf(sum);
  if (negatives != nullptr) negatives[i] = found;
  if (!with_positive) {
    totals.slope[i] = found > 0 ? -1.0f : 0.0f;
    // 1, but NaN where v is: that must be seen.
    const float v = totals.log_sum[i] - positive;
    return found > 0 ? expf(v - v) : 0.0f;
  }
  // L_i - s_i,pos, before L_i is rounded.
  const float loss = (largest - positive) + logf(sum);
  totals.slope[i] = expm1f(-loss);
  return loss;
}

__global__ void __launch_bounds__(kTotalsThreads)
    totals_kernel(ContrastiveLoss kind, int count, int part_count, double tau, PartSums parts,
                  const float* positive, Totals totals, float* loss, std::int64_t* negatives) {
  double sum = 0.0;
  int counted = 0;
  for (int i = threadIdx.x; i < count; i += kTotalsThreads) {
    sum += total_of(kind, i, count, part_count, parts, positive[i], totals, negatives);
    counted += totals.log_sum[i] != kNothing ? 1 : 0;
  }
  sum = block_sum<kTotalsThreads>(sum);
  counted = block_sum<kTotalsThreads>(counted);
  if (threadIdx.x > 0) return;
  *loss = counted > 0 ? static_cast<float>(sum / counted) : 0.0f;
  *totals.scale = counted > 0 ? static_cast<float>(1.0 / (counted * tau)) : 0.0f;
}

template <int kSide>
inline constexpr int kWeightPitch = kSide + 4;  // in floats, of a tile of weights

/// The dot products of the thread's pairs become the weights of f_j in grad_i, in shared memory.
template <int kSide>
__device__ __forceinline__ void store_weights(const Anchors& a, const Totals& totals, int i0,
                                              int j0, unsigned negatives,
                                              const typename Tile<kSide>::Pairs& dots,
                                              float* weights) {
  using T = Tile<kSide>;
  const int first_row = T::row(), first_column = T::column();
  float column_log_sum[kColumns];
  for (int c = 0; c < kColumns; ++c) {
    const int j = j0 + first_column + c * T::kThreadColumns;
    column_log_sum[c] = j < a.count ? totals.log_sum[j] : 0.0f;
  }
  for (int r = 0; r < T::kRows; ++r) {
    const int row = first_row + r * kThreadRows, i = i0 + row;
    const float row_log_sum = i < a.count ? totals.log_sum[i] : 0.0f;
    float* to = weights + row * kWeightPitch<kSide>;
    for (int c = 0; c < kColumns; ++c) {
      const float s = dots[r][c] * a.inverse_tau;
      const float both = __expf(s - row_log_sum) + __expf(s - column_log_sum[c]);
      to[first_column + c * T::kThreadColumns] = (negatives & pair_bit(r, c)) != 0 ? both : 0.0f;
    }
    // The thread that has the pair of i and its positive puts right what was left out.
    const int column = i < a.count ? a.positive_of(i) - j0 : -1;
    if (column >= 0 && column < kSide && column % T::kThreadColumns == first_column) {
      to[column] = totals.slope[i] + totals.slope[j0 + column];
    }
  }
}

/// The thread's part of the gradient of a slab: kRows anchors by groups of four values.
template <int kSide>
inline constexpr int kGroups = kDepth / kSide;
template <int kSide>
using Gradient = Vec<float, 4>[Tile<kSide>::kRows][kGroups<kSide>];

/// gradient += weights x columns, in the first kUsed groups of values
template <int kSide, int kUsed>
__device__ __forceinline__ void add_weighted(const float* weights, const float* columns,
                                             Gradient<kSide>& gradient) {
  using T = Tile<kSide>;
  weights += T::row() * kWeightPitch<kSide>;
  columns += T::column() * 4;
#pragma unroll 2
  for (int j = 0; j < kSide; j += 4) {
    Vec<float, 4> w[T::kRows];
    for (int r = 0; r < T::kRows; ++r) {
      w[r] = load_vec<float, 4>(weights + r * kThreadRows * kWeightPitch<kSide> + j);
    }
    for (int k = 0; k < 4; ++k) {
      for (int q = 0; q < kUsed; ++q) {
        const Vec<float, 4> f = load_vec<float, 4>(columns + (j + k) * kPitch + q * kSide);
        for (int r = 0; r < T::kRows; ++r) {
          for (int e = 0; e < 4; ++e) gradient[r][q].v[e] += w[r].v[k] * f.v[e];
        }
      }
    }
  }
}

/// kWidth of four values, from the one at `first` on.
template <int kWidth>
__device__ __forceinline__ Vec<float, kWidth> piece(const Vec<float, 4>& values, int first) {
  if constexpr (kWidth == 4) {
    return values;
  } else {
    return {values.v[first]};
  }
}

/// Writes part blockIdx.y of the gradient: parts [gridDim.y, count, dim].
template <int kSide, int kWidth>
__global__ void __launch_bounds__(Tile<kSide>::kThreads, 2)
    gradients_kernel(Anchors a, Totals totals, float* parts) {
  using T = Tile<kSide>;
  float* rows = dynamic_shared<float>();
  float* columns = rows + T::kFeatures;
  float* weights = columns + T::kFeatures;
  const int i0 = blockIdx.x * kSide, first = blockIdx.y * kSide, slab = blockIdx.z;
  const std::int64_t d0 = static_cast<std::int64_t>(slab) * kDepth;
  const int depth = static_cast<int>(min(a.dim - d0, static_cast<std::int64_t>(kDepth)));
  Gradient<kSide> gradient{};
  for (int j0 = first; j0 < a.count; j0 += gridDim.y * kSide) {
    const unsigned negatives = negative_pairs<kSide>(a, i0, j0);
    typename T::Pairs dots;
    dot_products<kSide, kWidth>(a, i0, j0, j0 > first && a.slabs == 1, slab, rows, columns, dots);
    store_weights<kSide>(a, totals, i0, j0, negatives, dots, weights);
    __syncthreads();
    // Features of up to 64 values fill half of the slab or less.
    if (depth > kDepth / 2) {
      add_weighted<kSide, kGroups<kSide>>(weights, columns, gradient);
    } else {
      add_weighted<kSide, kGroups<kSide> / 2>(weights, columns, gradient);
    }
  }
  const float scale = *totals.scale;
  const int row = T::row(), column = T::column() * 4;
  for (int r = 0; r < T::kRows; ++r) {
    const std::int64_t i = i0 + row + r * kThreadRows;
    if (i >= a.count) continue;
    auto* to = reinterpret_cast<Vec<float, kWidth>*>(
        parts + (static_cast<std::int64_t>(blockIdx.y) * a.count + i) * a.dim + d0);
    for (int q = 0; q < kGroups<kSide>; ++q) {
      Vec<float, 4> values = gradient[r][q];
      for (int e = 0; e < 4; ++e) values.v[e] *= scale;
      for (int e = 0; e < 4; e += kWidth) {
        const int d = q * kSide + column + e;
        if (d < depth) to[d / kWidth] = piece<kWidth>(values, e);
      }
    }
  }
}

template <int kWidth>
__global__ void __launch_bounds__(kAddThreads)
    add_parts_kernel(const float* parts, int part_count, std::int64_t size, float* grad) {
  const std::int64_t at =
      (static_cast<std::int64_t>(blockIdx.x) * kAddThreads + threadIdx.x) * kWidth;
  if (at >= size) return;
  Vec<float, kWidth> sum = load_vec<float, kWidth>(parts + at);
  for (int p = 1; p < part_count; ++p) {
    const Vec<float, kWidth> part = load_vec<float, kWidth>(parts + p * size + at);
    for (int k = 0; k < kWidth; ++k) sum.v[k] += part.v[k];
  }
  store_vec(grad + at, sum);
}

/// Into how many parts of about the same length the columns are cut, so that `row_blocks` blocks
/// become about kBlocks.
int column_parts(std::int64_t tiles, std::int64_t row_blocks) {
  const std::int64_t wanted = std::clamp<std::int64_t>(kBlocks / row_blocks, 1, tiles);
  return static_cast<int>(div_up(tiles, div_up(tiles, wanted)));
}

/// How a problem is cut into blocks.
template <int kSide>
struct Grid {
  int tiles;           // of kSide anchors
  int slabs;           // of kDepth values of the features
  int sum_parts;       // of the columns, for the row sums
  int gradient_parts;  // fewer where blocks for several slabs fill the GPU

  explicit Grid(const Anchors& a)
      : tiles(static_cast<int>(div_up(a.count, kSide))),
        slabs(a.slabs),
        sum_parts(column_parts(tiles, tiles)),
        gradient_parts(column_parts(tiles, std::int64_t{tiles} * slabs)) {}

  LaunchShape shape(int parts, int depth, int floats) const {
    return {dim3(static_cast<unsigned>(tiles), static_cast<unsigned>(parts),
                 static_cast<unsigned>(depth)),
            dim3(Tile<kSide>::kThreads), static_cast<std::size_t>(floats) * sizeof(float)};
  }
  LaunchShape row_sums() const { return shape(sum_parts, 1, 2 * Tile<kSide>::kFeatures); }
  LaunchShape gradients() const {
    return shape(gradient_parts, slabs, 2 * Tile<kSide>::kFeatures + kSide * kWeightPitch<kSide>);
  }
};

struct Outputs {
  float* loss;
  float* grad;
  std::int64_t* negatives;
};

template <int kSide, int kWidth>
void run(const CudaContext& ctx, ContrastiveLoss kind, const Anchors& a, double tau,
         const Outputs& out) {
  const Grid<kSide> grid(a);
  const int part_count = grid.sum_parts * Tile<kSide>::kWarpColumns;
  const std::int64_t size = a.count * a.dim, part_sums = std::int64_t{part_count} * a.count;
  // A single part of the gradient is the gradient. More come first in memory, for their alignment.
  const std::int64_t gradient_size = grid.gradient_parts > 1 ? grid.gradient_parts * size : 0;
  float* gradient_parts =
      ctx.scratch<float>(gradient_size + 3 * part_sums + 3 * std::int64_t{a.count} + 1);
  float* rest = gradient_parts + gradient_size;
  const auto take = [&rest](std::int64_t floats) { return std::exchange(rest, rest + floats); };
  const PartSums parts{take(part_sums), take(part_sums), reinterpret_cast<int*>(take(part_sums))};
  float* positive = take(a.count);
  const Totals totals{take(a.count), take(a.count), take(1)};

  launch(ctx, grid.row_sums(), row_sums_kernel<kSide, kWidth>, a, parts, positive);
  launch(ctx, {dim3(1), dim3(kTotalsThreads)}, totals_kernel, kind, a.count, part_count, tau, parts,
         positive, totals, out.loss, out.negatives);
  if (grid.gradient_parts == 1) {
    launch(ctx, grid.gradients(), gradients_kernel<kSide, kWidth>, a, totals, out.grad);
    return;
  }
  launch(ctx, grid.gradients(), gradients_kernel<kSide, kWidth>, a, totals, gradient_parts);
  launch(ctx, {dim3(static_cast<unsigned>(div_up(size, kAddThreads * kWidth))), dim3(kAddThreads)},
         add_parts_kernel<kWidth>, gradient_parts, grid.gradient_parts, size, out.grad);
}

}  // namespace
}  // namespace plr

template <>
void contrastive_loss(const CudaContext& ctx, ContrastiveLoss kind, const ContrastiveShape& shape,
                      double tau, const float* features, const std::uint64_t* class_sets,
                      float* loss, float* grad, std::int64_t* negatives) {
  if (shape.samples == 0) {
    check(cudaMemsetAsync(loss, 0, sizeof(float), stream_of(ctx)), "in a loss of no samples");
    return;
  }
  plr::Anchors a{};
  a.features = features;
  a.sets = class_sets;
  a.dim = shape.dim;
  a.count = static_cast<int>(2 * shape.samples);
  a.words = class_sets != nullptr ? static_cast<int>(shape.words) : 0;
  a.slabs = static_cast<int>(div_up(shape.dim, plr::kDepth));
  a.inverse_tau = static_cast<float>(1.0 / tau);
  const bool wide = can_vectorize(features, a.dim) && can_vectorize(grad, a.dim);
  const plr::Outputs out{loss, grad, negatives};
  if (a.count < plr::kManyAnchors) {
    (wide ? plr::run<32, 4> : plr::run<32, 1>)(ctx, kind, a, tau, out);
  } else {
    (wide ? plr::run<64, 4> : plr::run<64, 1>)(ctx, kind, a, tau, out);
  }
}

}  // namespace bptplr::kernels
