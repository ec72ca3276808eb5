// Class means in two launches, without sorting the rows: features are read once, coalesced and in
// the order of memory, and every sum has one fixed order.
//
// Rows are cut into chunks. One warp takes a chunk, 32 columns and up to kClasses classes, of which
// it keeps the sums in shared memory: a lane owns its column of them, so that adding row after row
// needs neither atomics nor barriers. With more classes than kClasses several warps scan the labels
// of a chunk, but each feature is still read by the one warp that its label belongs to; labels are
// 8 bytes beside a row of 512. Shared sums are double, because a class may have 10^5 rows; the
// partial sums between the launches are rounded to float once.
//
// The second launch has a block for a class: it adds the partial sums of the chunks in double,
// divides, normalises and mixes. Chunks hold at least kRowsPerClass rows for each class there is,
// so that partial sums (rows / kRowsPerClass rows of dim floats at most) stay small beside the
// features.
#include <algorithm>

#include "kernels/cuda/device/block.cuh"
#include "kernels/cuda/runtime/launch.hpp"
#include "kernels/l2_normalize.hpp"
#include "kernels/prototypes.hpp"

namespace bptplr::kernels {
namespace {

constexpr int kClasses = 128;  // 32 KiB of sums: seven warps on a multiprocessor
constexpr std::int64_t kMinChunk = 128;
constexpr std::int64_t kMaxChunks = 256;
constexpr std::int64_t kRowsPerClass = 4;
/// Rows whose features a warp asks for before it adds the first.
constexpr int kBatch = 16;

/// How the rows are cut; a function of the shape alone.
struct Chunks {
  std::int64_t rows;  ///< of a chunk
  int count;

  explicit Chunks(const PrototypeShape& shape)
      : rows(std::max({kMinChunk, kRowsPerClass * shape.classes, div_up(shape.rows, kMaxChunks)})),
        count(static_cast<int>(div_up(shape.rows, rows))) {}
};

/// partial_sums [chunks, classes, dim] and partial_counts [chunks, classes].
struct Partials {
  float* sums;
  int* counts;
};

__global__ void __launch_bounds__(kWarp)
    chunk_sums_kernel(PrototypeShape shape, Chunks chunks, const float* q,
                      const std::int64_t* labels, Partials partials) {
  const int lane = static_cast<int>(threadIdx.x);
  const int chunk = static_cast<int>(blockIdx.x);
  const std::int64_t column = static_cast<std::int64_t>(blockIdx.y) * kWarp + lane;
  const std::int64_t first_class = static_cast<std::int64_t>(blockIdx.z) * kClasses;
  const int classes =
      static_cast<int>(min(shape.classes - first_class, static_cast<std::int64_t>(kClasses)));
  double* sums = dynamic_shared<double>();  // [classes, 32]
  __shared__ int counts[kClasses];
  for (int c = 0; c < classes; ++c) sums[c * kWarp + lane] = 0.0;
  for (int c = lane; c < classes; c += kWarp) counts[c] = 0;
  __syncwarp();

  const std::int64_t end = min((chunk + 1) * chunks.rows, shape.rows);
  for (std::int64_t base = chunk * chunks.rows; base < end; base += kWarp) {
    const std::int64_t label = base + lane < end ? labels[base + lane] - first_class : -1;
    const bool ours = label >= 0 && label < classes;
    if (ours) atomicAdd(&counts[label], 1);
    unsigned rows = __ballot_sync(kAllLanes, ours);
    while (rows != 0) {
      int c[kBatch];
      float value[kBatch];
#pragma unroll
      for (int k = 0; k < kBatch; ++k) {
        const int row = max(__ffs(static_cast<int>(rows)) - 1, 0);
        const int row_class = __shfl_sync(kAllLanes, static_cast<int>(label), row);
        c[k] = rows != 0 ? row_class : -1;
        value[k] = rows != 0 && column < shape.dim ? q[(base + row) * shape.dim + column] : 0.0f;
        rows &= rows - 1;
      }
#pragma unroll
      for (int k = 0; k < kBatch; ++k) {
        if (c[k] >= 0) sums[c[k] * kWarp + lane] += static_cast<double>(value[k]);
      }
    }
  }
  __syncwarp();
  const std::int64_t first_result = chunk * shape.classes + first_class;
  for (int c = 0; c < classes && column < shape.dim; ++c) {
    partials.sums[(first_result + c) * shape.dim + column] =
        static_cast<float>(sums[c * kWarp + lane]);
  }
  if (blockIdx.y != 0) return;
  for (int c = lane; c < classes; c += kWarp) partials.counts[first_result + c] = counts[c];
}

constexpr int kThreads = 256;
constexpr int kGroups = kThreads / kWarp;

/// Divides x [dim], of which every thread reads and writes only its own values, by its length.
__device__ void normalize(double* x, std::int64_t dim) {
  double square = 0.0;
  for (std::int64_t d = threadIdx.x; d < dim; d += kThreads) square += x[d] * x[d];
  const double length = at_least(sqrt(block_sum<kThreads>(square)), kNormEps);
  for (std::int64_t d = threadIdx.x; d < dim; d += kThreads) x[d] /= length;
}

/// sum [dim] = sum over the chunks of the partial sums of one class. A warp takes every kGroups-th
/// chunk of 32 columns.
__device__ void add_chunks(const PrototypeShape& shape, int chunks, const float* partial_sums,
                           std::int64_t c, double* sum) {
  __shared__ double group_sums[kGroups][kWarp];
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const int group = static_cast<int>(threadIdx.x) / kWarp;
  for (std::int64_t first = 0; first < shape.dim; first += kWarp) {
    const std::int64_t column = min(first + lane, shape.dim - 1);
    double group_sum = 0.0;
#pragma unroll 8
    for (int chunk = group; chunk < chunks; chunk += kGroups) {
      group_sum += partial_sums[(chunk * shape.classes + c) * shape.dim + column];
    }
    group_sums[group][lane] = group_sum;
    __syncthreads();
    if (group == 0 && first + lane < shape.dim) {
      double total = 0.0;
      for (int g = 0; g < kGroups; ++g) total += group_sums[g][lane];
      sum[column] = total;
    }
    __syncthreads();
  }
}

/// A block for class c. Without `update` the mean itself becomes the prototype.
__global__ void __launch_bounds__(kThreads)
    finish_kernel(PrototypeShape shape, int chunks, Partials partials, bool update, double momentum,
                  float* prototypes, std::int64_t* counts) {
  const std::int64_t c = blockIdx.x;
  float* prototype = prototypes + c * shape.dim;
  int count = 0;
  for (int chunk = static_cast<int>(threadIdx.x); chunk < chunks; chunk += kThreads) {
    count += partials.counts[chunk * shape.classes + c];
  }
  count = block_sum<kThreads>(count);
  if (threadIdx.x == 0) counts[c] = count;
  if (count == 0) {  // the whole block leaves
    for (std::int64_t d = threadIdx.x; d < shape.dim && !update; d += kThreads) prototype[d] = 0.0f;
    return;
  }
  double* mean = dynamic_shared<double>();  // [dim]
  add_chunks(shape, chunks, partials.sums, c, mean);
  for (std::int64_t d = threadIdx.x; d < shape.dim; d += kThreads) mean[d] /= count;
  normalize(mean, shape.dim);
  if (update) {
    for (std::int64_t d = threadIdx.x; d < shape.dim; d += kThreads) {
      mean[d] = momentum * prototype[d] + (1.0 - momentum) * mean[d];
    }
    normalize(mean, shape.dim);
  }
  for (std::int64_t d = threadIdx.x; d < shape.dim; d += kThreads) {
    prototype[d] = static_cast<float>(mean[d]);
  }
}

void make_prototypes(const CudaContext& ctx, const PrototypeShape& shape, bool update,
                     double momentum, const float* q, const std::int64_t* labels, float* prototypes,
                     std::int64_t* counts) {
  const Chunks chunks(shape);
  const std::int64_t partials = chunks.count * shape.classes;
  auto* sums = ctx.scratch<float>(partials * shape.dim + partials);
  const Partials scratch{sums, reinterpret_cast<int*>(sums + partials * shape.dim)};
  const auto classes = static_cast<unsigned>(std::min<std::int64_t>(shape.classes, kClasses));
  const dim3 grid(static_cast<unsigned>(chunks.count),
                  static_cast<unsigned>(div_up(shape.dim, kWarp)),
                  static_cast<unsigned>(div_up(shape.classes, kClasses)));
  launch(ctx, {grid, dim3(kWarp), classes * kWarp * sizeof(double)}, chunk_sums_kernel, shape,
         chunks, q, labels, scratch);
  launch(ctx,
         {dim3(static_cast<unsigned>(shape.classes)), dim3(kThreads),
          static_cast<std::size_t>(shape.dim) * sizeof(double)},
         finish_kernel, shape, chunks.count, scratch, update, momentum, prototypes, counts);
}

}  // namespace

template <>
void class_means(const CudaContext& ctx, const PrototypeShape& shape, const float* q,
                 const std::int64_t* labels, float* prototypes, std::int64_t* counts) {
  make_prototypes(ctx, shape, false, 0.0, q, labels, prototypes, counts);
}

template <>
void update_prototypes(const CudaContext& ctx, const PrototypeShape& shape, double momentum,
                       const float* q, const std::int64_t* labels, float* prototypes,
                       std::int64_t* counts) {
  make_prototypes(ctx, shape, true, momentum, q, labels, prototypes, counts);
}

}  // namespace bptplr::kernels
