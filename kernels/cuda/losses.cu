// The losses over classifier logits in two launches each: what a row needs of all other rows is
// summed by the first and ready in the second. A warp takes a row and its softmax stays in the
// warp (softmax_row.cuh); it is cheaper to compute it again in the second launch than to store it.
//
// semi_supervised_loss: the penalty's gradient needs m_c, the column means of p over all rows. The
// first launch cuts the rows into at most kMaxParts parts and leaves each part's column sums, a few
// KiB that stay in the L2 cache. In the second every block adds them up for itself, in the order of
// the parts, which saves a launch in between: logits and targets are read twice, the gradient is
// written once.
#include <algorithm>
#include <limits>

#include "kernels/cuda/device/mean_over_rows.cuh"
#include "kernels/cuda/device/softmax_row.cuh"
#include "kernels/losses.hpp"

namespace bptplr::kernels {
namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / kWarp;
constexpr std::int64_t kMaxParts = 32;
/// Column means below this count as this: the smallest that is no denormal in float32.
constexpr double kSmallestMean = std::numeric_limits<float>::min();

double over(double numerator, std::int64_t count) {
  return count == 0 ? 0.0 : numerator / static_cast<double>(count);
}

/// Sums over a part's rows of their shares of L_X and L_U.
struct PartLosses {
  double labelled;
  double unlabelled;
};

/// The shape as the kernels use it; a term without rows has the mean 0.
struct Problem {
  std::int64_t labelled;
  std::int64_t rows;
  int classes;
  int parts;
  std::int64_t rows_per_part;
  double mean_x, mean_u, mean_rows;  ///< what makes means of the sums over rows

  explicit Problem(const SemiSupervisedShape& shape)
      : labelled(shape.labelled),
        rows(shape.rows()),
        classes(static_cast<int>(shape.classes)),
        rows_per_part(std::max<std::int64_t>(kWarps, div_up(rows, kMaxParts))),
        mean_x(over(1.0, shape.labelled)),
        mean_u(over(1.0, shape.unlabelled * shape.classes)),
        mean_rows(over(1.0, rows)) {
    parts = static_cast<int>(div_up(rows, rows_per_part));
  }
};

// Here and below, a number of blocks keeps ptxas from spilling a few bytes to fit one more
// (sm_86, sm_100).
template <int kPerLane>
__global__ void __launch_bounds__(kThreads, 2)
    part_sums_kernel(Problem problem, const float* logits, const float* targets, float* column_sums,
                     PartLosses* losses) {
  const int classes = problem.classes;
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  float* sums = dynamic_shared<float>();  // [kWarps, classes]
  float* own_sums = sums + warp * classes;
  for (int c = warp_lane(); c < classes; c += kWarp) own_sums[c] = 0.0f;

  const std::int64_t begin = blockIdx.x * problem.rows_per_part;
  const std::int64_t end = min(begin + problem.rows_per_part, problem.rows);
  float loss_x = 0.0f, loss_u = 0.0f;  // of the lane's columns
  for (std::int64_t row = begin + warp; row < end; row += kWarps) {
    const float* t = targets + row * classes;
    const auto z = lane_row<kPerLane>(classes, logits + row * classes);
    const Softmax softmax(z);
    z.each([&](int c, float logit) {
      const float p = softmax.probability(logit);
      own_sums[c] += p;
      if (row < problem.labelled) {
        loss_x -= t[c] * softmax.log_probability(logit);
      } else {
        loss_u += (p - t[c]) * (p - t[c]);
      }
    });
  }
  const double part_x = block_sum<kThreads>(static_cast<double>(loss_x));
  const double part_u = block_sum<kThreads>(static_cast<double>(loss_u));
  if (threadIdx.x == 0) losses[blockIdx.x] = {part_x, part_u};
  // The barriers of block_sum also stand between the column sums of the warps and their readers.
  for (int c = static_cast<int>(threadIdx.x); c < classes; c += kThreads) {
    float sum = 0.0f;
    for (int w = 0; w < kWarps; ++w) sum += sums[w * classes + c];
    column_sums[static_cast<std::int64_t>(blockIdx.x) * classes + c] = sum;
  }
}

/// slopes [classes]: the gradient of the penalty, weighted by `weight`, with respect to any p_ic,
/// for the whole block. Returns the thread's share of sum_c log(1/C / m_c), in block 0.
__device__ double penalty_slopes(const Problem& problem, double weight, const float* column_sums,
                                 float* slopes) {
  const double uniform = 1.0 / problem.classes;
  const auto slope_r = static_cast<float>(-weight * problem.mean_rows * uniform);
  double logarithms = 0.0;
  for (int c = static_cast<int>(threadIdx.x); c < problem.classes; c += kThreads) {
    double sum = 0.0;
#pragma unroll 8
    for (int part = 0; part < problem.parts; ++part) {
      sum += column_sums[static_cast<std::int64_t>(part) * problem.classes + c];
    }
    // A class that no row gives any probability must not make the penalty infinite.
    const double mean = at_least(sum * problem.mean_rows, kSmallestMean);
    slopes[c] = slope_r / static_cast<float>(mean);
    if (blockIdx.x == 0) logarithms += log(uniform / mean);
  }
  return logarithms;
}

/// Writes the loss and its terms; all threads of one block, each with its part of the penalty.
__device__ void report(const Problem& problem, const SemiSupervisedCoefficients& coefficients,
                       const PartLosses* parts, double logarithms, float* loss, float* terms) {
  const int part = static_cast<int>(threadIdx.x);
  static_assert(kMaxParts <= kThreads);
  const PartLosses own = part < problem.parts ? parts[part] : PartLosses{0.0, 0.0};
  const double loss_x = block_sum<kThreads>(own.labelled) * problem.mean_x;
  const double loss_u = block_sum<kThreads>(own.unlabelled) * problem.mean_u;
  const double sum_r = block_sum<kThreads>(logarithms);
  const double loss_r = problem.rows == 0 ? 0.0 : sum_r / problem.classes;
  if (threadIdx.x != 0) return;
  terms[0] = static_cast<float>(loss_x);
  terms[1] = static_cast<float>(loss_u);
  terms[2] = static_cast<float>(loss_r);
  *loss = static_cast<float>(coefficients.labelled * loss_x + coefficients.unlabelled * loss_u +
                             coefficients.penalty * loss_r);
}

/// With d_c = dL/dp_c, dL/dz_c = p_c (d_c - sum_k p_k d_k); L_X skips p, as on the CPU.
template <int kPerLane>
__global__ void __launch_bounds__(kThreads, kPerLane == 32 ? 1 : 4)
    gradient_kernel(Problem problem, const SemiSupervisedCoefficients* coefficients,
                    const float* logits, const float* targets, const float* column_sums,
                    const PartLosses* parts, float* loss, float* terms, float* grad) {
  const int classes = problem.classes;
  const SemiSupervisedCoefficients weights = *coefficients;
  const auto slope_x = static_cast<float>(weights.labelled * problem.mean_x);
  const auto slope_u = static_cast<float>(2.0 * weights.unlabelled * problem.mean_u);
  float* penalty = dynamic_shared<float>();  // [classes]
  const double logarithms = penalty_slopes(problem, weights.penalty, column_sums, penalty);
  if (blockIdx.x == 0) report(problem, weights, parts, logarithms, loss, terms);
  __syncthreads();
  const std::int64_t row = static_cast<std::int64_t>(blockIdx.x) * kWarps + threadIdx.x / kWarp;
  if (row >= problem.rows) return;
  const bool labelled = row < problem.labelled;
  const float* t = targets + row * classes;
  grad += row * classes;
  const auto z = lane_row<kPerLane>(classes, logits + row * classes);
  const Softmax softmax(z);
  const auto p = z.map([&](float logit) { return softmax.probability(logit); });
  const auto slope = [&](int c, float probability) {
    return labelled ? penalty[c] : penalty[c] + slope_u * (probability - t[c]);
  };
  const float inner =
      row_sum<float>(p, [&](int c, float value) { return value * slope(c, value); });
  const float mass = row_sum<float>(p, [&](int c, float) { return t[c]; });
  p.each([&](int c, float value) {
    float dz = value * (slope(c, value) - inner);
    if (labelled) dz += slope_x * (value * mass - t[c]);
    grad[c] = dz;
  });
}

/// d/dz_c sum_k p_k log p_k = p_c (log p_c - sum_k p_k log p_k).
template <int kPerLane>
__global__ void __launch_bounds__(kRowThreads)
    negative_entropy_kernel(const float* logits, std::int64_t rows, int classes, float inverse_rows,
                            double* partial, float* grad) {
  const std::int64_t row = warp_row();
  float loss = 0.0f;  // of the row, in its first lane
  if (row < rows) {
    grad += row * classes;
    const auto z = lane_row<kPerLane>(classes, logits + row * classes);
    const Softmax softmax(z);
    const float sum = row_sum<float>(z, [&](int, float logit) {
      return softmax.probability(logit) * softmax.log_probability(logit);
    });
    z.each([&](int c, float logit) {
      grad[c] = softmax.probability(logit) * (softmax.log_probability(logit) - sum) * inverse_rows;
    });
    if (warp_lane() == 0) loss = sum;
  }
  const double sum = block_sum<kRowThreads>(static_cast<double>(loss));
  if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}

/// d/dz_c (1 - p_y^q) / q = p_y^q (p_c - [c = y]), y the label.
template <int kPerLane>
__global__ void __launch_bounds__(kRowThreads)
    generalized_cross_entropy_kernel(const float* logits, const std::int64_t* labels,
                                     std::int64_t rows, int classes, float q, float inverse_rows,
                                     double* partial, float* grad) {
  const std::int64_t row = warp_row();
  float loss = 0.0f;  // of the row, in its first lane
  if (row < rows) {
    logits += row * classes;
    grad += row * classes;
    const int label = static_cast<int>(labels[row]);
    const auto z = lane_row<kPerLane>(classes, logits);
    const Softmax softmax(z);
    const float log_power = q * softmax.log_probability(logits[label]);
    const float slope = expf(log_power) * inverse_rows;
    z.each([&](int c, float logit) {
      grad[c] = slope * (softmax.probability(logit) - (c == label ? 1.0f : 0.0f));
    });
    if (warp_lane() == 0) loss = -expm1f(log_power) / q;
  }
  const double sum = block_sum<kRowThreads>(static_cast<double>(loss));
  if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}

}  // namespace

template <>
void semi_supervised_loss(const CudaContext& ctx, const SemiSupervisedShape& shape,
                          const SemiSupervisedCoefficients* coefficients, const float* logits,
                          const float* targets, float* loss, float* terms, float* grad) {
  const Problem problem(shape);
  const std::size_t row_bytes = static_cast<std::size_t>(shape.classes) * sizeof(float);
  const auto parts = static_cast<unsigned>(problem.parts);
  auto* losses =
      static_cast<PartLosses*>(ctx.workspace->reserve(parts * (sizeof(PartLosses) + row_bytes)));
  auto* column_sums = reinterpret_cast<float*>(losses + parts);
  // One block at least: it also reports the loss of no rows.
  const auto blocks =
      static_cast<unsigned>(std::max<std::int64_t>(1, div_up(shape.rows(), kWarps)));
  with_values_per_lane(shape.classes, [&](auto per_lane) {
    launch(ctx, {dim3(parts), dim3(kThreads), kWarps * row_bytes}, part_sums_kernel<per_lane>,
           problem, logits, targets, column_sums, losses);
    launch(ctx, {dim3(blocks), dim3(kThreads), row_bytes}, gradient_kernel<per_lane>, problem,
           coefficients, logits, targets, column_sums, losses, loss, terms, grad);
  });
}

template <>
void negative_entropy(const CudaContext& ctx, std::int64_t rows, std::int64_t classes,
                      const float* logits, float* loss, float* grad) {
  const LaunchShape shape = row_launch(rows);
  auto* partial = ctx.scratch<double>(shape.grid.x);
  with_values_per_lane(classes, [&](auto per_lane) {
    launch(ctx, shape, negative_entropy_kernel<per_lane>, logits, rows, classes,
           static_cast<float>(over(1.0, rows)), partial, grad);
  });
  mean_over_rows(ctx, partial, shape.grid.x, rows, loss);
}

template <>
void generalized_cross_entropy(const CudaContext& ctx, std::int64_t rows, std::int64_t classes,
                               double q, const float* logits, const std::int64_t* labels,
                               float* loss, float* grad) {
  const LaunchShape shape = row_launch(rows);
  auto* partial = ctx.scratch<double>(shape.grid.x);
  with_values_per_lane(classes, [&](auto per_lane) {
    launch(ctx, shape, generalized_cross_entropy_kernel<per_lane>, logits, labels, rows, classes,
           static_cast<float>(q), static_cast<float>(over(1.0, rows)), partial, grad);
  });
  mean_over_rows(ctx, partial, shape.grid.x, rows, loss);
}

}  // namespace bptplr::kernels
