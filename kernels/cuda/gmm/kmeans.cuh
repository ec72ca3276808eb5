// k-means with two clusters in the plane, and the sums over points that it shares with the Gaussian
// mixture (gmm.cu): device functions that the kThreads threads of one block call together, all of
// them, on a data set that the block owns. Results are uniform: every thread gets the same bits.
//
// A label is a function of the centres, so the iterations keep none: they read 8 bytes a point and
// write nothing. Nor do they count the labels that change. Sums have a fixed order: when no label
// changes, the centres come out as they went in, to the bit, so Lloyd's two ways of ending (no
// label changes, the centres hardly move) are one, and the labels are in either case those that the
// final centres give.
//
// A lane reads one point at a time, 8 bytes: 16 would need data sets that begin at even points, and
// the arithmetic in double takes longer than the loads anyway. A thread keeps several in flight.
#pragma once

#include "kernels/cuda/device/block.cuh"

namespace bptplr::kernels::planar_cuda {

/// 512 and not 1024 threads: four warps a scheduler fill its double-precision pipe, and each thread
/// may have 128 registers for sums and densities.
inline constexpr int kThreads = 512;
inline constexpr int kWarps = kThreads / kWarp;
inline constexpr int kLoads = 4;  // in flight, of a thread

struct Point {
  double x, y;

  friend __device__ Point operator-(Point a, Point b) { return {a.x - b.x, a.y - b.y}; }
  friend __device__ Point operator+(Point a, Point b) { return {a.x + b.x, a.y + b.y}; }
  /// Rounded after each operation, as on the CPU: with a fused multiply-add (a, b) and (b, a) could
  /// differ in length, and points equally near to both centres would get any label.
  __device__ double squared() const { return __dadd_rn(__dmul_rn(x, x), __dmul_rn(y, y)); }
};

/// One data set, its mean and the mean variance of its two coordinates.
struct Points {
  const float* data;
  std::int64_t n;
  bool paired;  // both coordinates can be read at once
  Point mean;
  double mean_variance;

  __device__ Point operator[](std::int64_t i) const { return {data[2 * i], data[2 * i + 1]}; }
};

/// fn(i, point i) for the points of this thread: every kThreads-th one.
template <class Fn>
__device__ __forceinline__ void for_each_point(const Points& points, Fn&& fn) {
  for (std::int64_t base = threadIdx.x; base < points.n; base += kLoads * kThreads) {
    Vec<float, 2> loaded[kLoads];
    const auto load_all = [&](auto&& load) {
#pragma unroll
      for (int k = 0; k < kLoads; ++k) {
        const std::int64_t i = base + k * kThreads;
        loaded[k] = load(points.data + 2 * (i < points.n ? i : base));
      }
    };
    if (points.paired) {
      load_all([](const float* p) { return load_vec<float, 2>(p); });
    } else {
      load_all([](const float* p) { return Vec<float, 2>{{p[0], p[1]}}; });
    }
#pragma unroll
    for (int k = 0; k < kLoads; ++k) {
      const std::int64_t i = base + k * kThreads;
      if (i < points.n) fn(i, Point{loaded[k].v[0], loaded[k].v[1]});
    }
  }
}

/// Dynamic shared memory that block_sums needs for `count` sums.
inline constexpr std::size_t sums_bytes(int count) {
  return sizeof(double) * kThreads * static_cast<std::size_t>(count);
}

/// kCount sums over the block at once, in a fixed order: a warp adds up one of them, so that five
/// shuffles do for all. They are in shared memory until the next call.
template <int kCount>
__device__ const double* block_sums(const double (&mine)[kCount]) {
  static_assert(kCount <= kWarps);
  __shared__ double sums[kCount];
  double* all = dynamic_shared<double>();  // [kCount][kThreads]
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
#pragma unroll
  for (int k = 0; k < kCount; ++k) all[k * kThreads + threadIdx.x] = mine[k];
  __syncthreads();
  if (warp < kCount) {
    double sum = 0.0;
    for (int t = threadIdx.x % kWarp; t < kThreads; t += kWarp) sum += all[warp * kThreads + t];
    sum = warp_sum(sum);
    if (threadIdx.x % kWarp == 0) sums[warp] = sum;
  }
  __syncthreads();
  return sums;
}

/// Fills mean and mean_variance of a set of at least one point.
__device__ inline void center(Points& points) {
  const Point origin = points[0];
  double mine[4] = {};
  for_each_point(points, [&](std::int64_t, Point p) {
    const Point d = p - origin;
    mine[0] += d.x;
    mine[1] += d.y;
    mine[2] += d.x * d.x;
    mine[3] += d.y * d.y;
  });
  const double* sums = block_sums(mine);
  const auto n = static_cast<double>(points.n);
  const Point shift{sums[0] / n, sums[1] / n};
  points.mean = origin + shift;
  points.mean_variance = ((sums[2] + sums[3]) / n - shift.squared()) / 2.0;
}

/// Draws a point with probability proportional to its squared distance from `first`: the one at
/// which the running sum of these distances exceeds uniform * total. The range is cut into a part
/// for each warp, the part in which that happens is cut again, and so on until it is one point: in
/// all little more than one pass. The CPU adds up one point after the other; where the threshold is
/// within rounding of a running sum, its choice and this one can be neighbours of each other.
__device__ inline Point draw(const Points& points, Point first, double uniform) {
  __shared__ double parts[kWarps];
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  std::int64_t begin = 0;
  std::int64_t end = points.n;
  double before = 0.0;  // the sum over the points before `begin`
  double threshold = 0.0;
  do {
    const std::int64_t length = (end - begin + kWarps - 1) / kWarps;
    const std::int64_t part_end = min(end, begin + (warp + 1) * length);
    double sum = 0.0;
#pragma unroll 4
    for (std::int64_t i = begin + warp * length + threadIdx.x % kWarp; i < part_end; i += kWarp) {
      sum += (points[i] - first).squared();
    }
    sum = warp_sum(sum);
    __syncthreads();  // whoever still reads the parts of the round before
    if (threadIdx.x % kWarp == 0) parts[warp] = sum;
    __syncthreads();
    if (begin == 0 && end == points.n) {
      for (int w = 0; w < kWarps; ++w) threshold += parts[w];
      threshold *= uniform;
    }
    // Never a part without a point away from `first`: the centres differ, and with two different
    // centres Lloyd leaves no cluster empty. If rounding keeps all sums below the threshold, the
    // last such part is it.
    int chosen = 0;
    double running = before;
    for (int w = 0; w < kWarps; ++w) {
      if (!(parts[w] > 0.0)) continue;
      chosen = w;
      before = running;
      running += parts[w];
      if (running > threshold) break;
    }
    begin += chosen * length;
    end = min(end, begin + length);
  } while (end - begin > 1);
  return points[begin];
}

/// The second centre of greedy k-means++: of two drawn points the one that leaves the smaller sum
/// of squared distances to the nearer centre, the first one when equal.
__device__ inline Point second_center(const Points& points, Point first, const double* uniforms) {
  const Point a = draw(points, first, uniforms[0]);
  const Point b = draw(points, first, uniforms[1]);
  double mine[2] = {};
  for_each_point(points, [&](std::int64_t, Point p) {
    const double distance = (p - first).squared();
    mine[0] += min(distance, (p - a).squared());
    mine[1] += min(distance, (p - b).squared());
  });
  const double* potentials = block_sums(mine);
  return potentials[1] < potentials[0] ? b : a;
}

/// The centres of two clusters, relative to the mean of the data.
struct Centers {
  Point at[2];

  /// The nearer centre of point d, 0 when equally near.
  __device__ int label(Point d) const {
    return (d - at[1]).squared() < (d - at[0]).squared() ? 1 : 0;
  }
};

inline constexpr int kClusterSums = 6;  // count, x, y of both clusters

/// k-means as scikit-learn 1.2 does it: greedy k-means++ with the uniforms [3], then Lloyd
/// iterations. The points must be centred and two of them differ. Needs sums_bytes(kClusterSums).
__device__ inline Centers kmeans(const Points& points, const double* uniforms) {
  constexpr int kMaxIterations = 300;
  constexpr double kTolerance = 1e-4;  // of the squared shift of the centres, in mean variances
  const Point first = points[min(
      points.n - 1, static_cast<std::int64_t>(uniforms[0] * static_cast<double>(points.n)))];
  const Point second = second_center(points, first, uniforms + 1);
  Centers centers{{first - points.mean, second - points.mean}};
  for (int iteration = 0; iteration < kMaxIterations; ++iteration) {
    double mine[kClusterSums] = {};
    for_each_point(points, [&](std::int64_t, Point p) {
      const Point d = p - points.mean;
      const bool is_one = centers.label(d) == 1;
      mine[0] += is_one ? 0.0 : 1.0;
      mine[1] += is_one ? 0.0 : d.x;
      mine[2] += is_one ? 0.0 : d.y;
      mine[3] += is_one ? 1.0 : 0.0;
      mine[4] += is_one ? d.x : 0.0;
      mine[5] += is_one ? d.y : 0.0;
    });
    const double* sums = block_sums(mine);
    double shift = 0.0;
#pragma unroll
    for (int c = 0; c < 2; ++c) {
      const double count = sums[3 * c];
      if (count == 0.0) continue;
      const Point moved{sums[3 * c + 1] / count, sums[3 * c + 2] / count};
      shift += (moved - centers.at[c]).squared();
      centers.at[c] = moved;
    }
    // No shift ends it in any case, also where the variance rounds to less than nothing.
    if (shift <= max(kTolerance * points.mean_variance, 0.0)) break;
  }
  return centers;
}

}  // namespace bptplr::kernels::planar_cuda
