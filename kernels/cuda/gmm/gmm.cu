// Mixtures of two Gaussians in the plane: k-means, EM and posteriors of all data sets in one
// launch, a block a data set. Blocks know nothing of each other, so each fit stops where it has
// converged and the host need not look.
//
// One EM iteration is one pass over the points, as on the CPU: the moments of the posteriors are
// taken around the mean of the data, and the covariances around the new means follow from them.
// All arithmetic is double: near convergence moments differ late in their digits, and a wrong tail
// of the log-likelihood would stop a fit an iteration early or late.
//
// A pass reads 8 bytes a point from L2 (from device memory the first time): 400 KB for 50,000
// points, 3 us for one SM. Arithmetic takes longer. An E step with its moments is about 75
// double-precision instructions a point, of which an SM does 64 a cycle: 59,000 cycles or 30 us for
// 50,000 points, 0.6 ms for a million. That is the floor of a pass; expected is half as much again,
// for latencies that four warps a scheduler do not hide and 2 us of reductions and M step. A Lloyd
// iteration is about a quarter of it, and seeding takes three passes like that. Ten iterations of
// either over 50,000 points are then about 0.6 ms, for up to 132 data sets at once. Several blocks
// a data set would be faster, at the price of a launch an iteration or a barrier across blocks; the
// fits happen once an epoch, which takes minutes.
//
// What keeps the E step short: log-densities are an affine map and two squares, prepared once an
// iteration; and the logs of 1 + ratio are the log of their product, taken when it gets large.
#include <algorithm>
#include <limits>
#include <numbers>

#include "kernels/cuda/gmm/kmeans.cuh"
#include "kernels/cuda/runtime/launch.hpp"
#include "kernels/gmm.hpp"

namespace bptplr::kernels {
namespace {

using planar_cuda::block_sums;
using planar_cuda::center;
using planar_cuda::Centers;
using planar_cuda::for_each_point;
using planar_cuda::kmeans;
using planar_cuda::kThreads;
using planar_cuda::Point;
using planar_cuda::Points;
using planar_cuda::sums_bytes;

constexpr int kFitsPerLaunch = 32;

/// 10 epsilon on the counts, as in scikit-learn, keeps a component that lost all points defined.
constexpr double kLeastCount = 10.0 * std::numeric_limits<double>::epsilon();
constexpr double kTwoPi = 2.0 * std::numbers::pi;
constexpr double kSqrtHalf = 1.0 / std::numbers::sqrt2;
constexpr double kLargest = std::numeric_limits<double>::max();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kLargeProduct = 1e300;  // times a factor of at most 2 it is still finite

/// Sums of one component over weighted points, relative to the mean of the data.
enum Moment { kWeight, kX, kY, kXX, kXY, kYY, kMoments };
constexpr int kLogLikelihood = 2 * kMoments;  // behind the moments of both
constexpr int kSums = kLogLikelihood + 1;

/// The data sets of one launch: rows offsets[k] to offsets[k + 1] of points.
struct DataSets {
  const float* points;
  std::int64_t offsets[kFitsPerLaunch + 1];

  __device__ std::int64_t begin() const { return offsets[blockIdx.x]; }
  /// That of this block; its mean is to be filled.
  __device__ Points own() const {
    Points set{};
    set.data = points + 2 * begin();
    set.n = offsets[blockIdx.x + 1] - begin();
    set.paired = reinterpret_cast<std::uintptr_t>(points) % sizeof(Vec<float, 2>) == 0;
    return set;
  }
};

/// What the EM starts from: labels, or uniforms for k-means where they are null.
struct Start {
  const std::uint8_t* labels;
  const double* uniforms;
};

struct Output {
  GmmResult* results;
  double* clean_posterior;
  double* posteriors;
};

/// kOk when all points are finite and two of them differ.
__device__ GmmStatus check_points(const Points& points) {
  if (points.n == 0) return GmmStatus::kNoPoints;
  const Point first = points[0];
  bool finite = true;
  bool equal = true;
  for_each_point(points, [&](std::int64_t, Point p) {
    finite = finite && fabs(p.x) <= kLargest && fabs(p.y) <= kLargest;  // false for NaN too
    equal = equal && p.x == first.x && p.y == first.y;
  });
  if (__syncthreads_or(finite ? 0 : 1) != 0) return GmmStatus::kNotFinite;
  return __syncthreads_or(equal ? 0 : 1) != 0 ? GmmStatus::kOk : GmmStatus::kOneCluster;
}

/// log(weight N(x; mean, covariance)) = log_scale - u^2 - v^2 with u = ux x + u0 and
/// v = vx x + vy y + v0, x and y relative to the mean of the data. sqrt(2) (u, v) is
/// L^-1 (x - mean), where L L^T is the covariance.
struct Density {
  double log_scale;
  double ux, u0;
  double vx, vy, v0;

  __device__ double log_at(Point d) const {
    const double u = ux * d.x + u0;
    const double v = vx * d.x + (vy * d.y + v0);
    return log_scale - u * u - v * v;
  }
};

/// One component, in shared memory (hence without initialisers).
struct Component {
  double weight;
  Point mean;
  double xx, xy, yy;  // covariance
  Density density;    // of the above
  bool definite;      // whether the covariance is, else there is no density
};

/// Fills density and definite.
__device__ void prepare(const Points& points, Component& c) {
  const double l00 = sqrt(c.xx);
  const double l10 = c.xy / l00;
  const double l11 = sqrt(c.yy - __dmul_rn(l10, l10));
  const Point at = c.mean - points.mean;
  Density& density = c.density;
  density.ux = kSqrtHalf / l00;
  density.u0 = -density.ux * at.x;
  density.vy = kSqrtHalf / l11;
  density.vx = -density.vy * l10 / l00;
  density.v0 = -(density.vx * at.x + density.vy * at.y);
  density.log_scale = log(c.weight / (kTwoPi * l00 * l11));
  c.definite = l00 > 0.0 && l11 > 0.0;  // false for NaN too
}

/// M step and its densities, a thread a component, for all threads to see. False when a covariance
/// is not positive definite.
__device__ bool maximise(const double* sums, const Points& points, double reg_covar,
                         Component* components) {
  if (threadIdx.x < 2) {
    Component& c = components[threadIdx.x];
    const double* m = sums + threadIdx.x * kMoments;
    const double* other = sums + (1 - threadIdx.x) * kMoments;
    const double count = m[kWeight] + kLeastCount;
    c.weight = count / (count + (other[kWeight] + kLeastCount));
    c.mean = {(m[kX] + m[kWeight] * points.mean.x) / count,
              (m[kY] + m[kWeight] * points.mean.y) / count};
    const Point at = c.mean - points.mean;
    const double xx = m[kXX] - 2.0 * m[kX] * at.x + m[kWeight] * at.x * at.x;
    const double xy = m[kXY] - m[kX] * at.y - m[kY] * at.x + m[kWeight] * at.x * at.y;
    const double yy = m[kYY] - 2.0 * m[kY] * at.y + m[kWeight] * at.y * at.y;
    c.xx = xx / count + reg_covar;
    c.xy = xy / count;
    c.yy = yy / count + reg_covar;
    prepare(points, c);
  }
  __syncthreads();
  return components[0].definite && components[1].definite;
}

/// Adds point d with weight r to the moments of component c.
__device__ __forceinline__ void add(double (&sums)[kSums], int c, double r, Point d) {
  double* m = sums + c * kMoments;
  const double rx = r * d.x;
  const double ry = r * d.y;
  m[kWeight] += r;
  m[kX] += rx;
  m[kY] += ry;
  m[kXX] += rx * d.x;
  m[kXY] += rx * d.y;
  m[kYY] += ry * d.y;
}

/// Posteriors of both components. The log of their summed densities is larger_log + log factor.
struct Expectation {
  double posterior[2];
  double larger_log;
  double factor;
};

__device__ __forceinline__ Expectation expect(const Density& zero, const Density& one, Point d) {
  const double log_0 = zero.log_at(d);
  const double log_1 = one.log_at(d);
  const double ratio = exp(-fabs(log_0 - log_1));
  const double factor = 1.0 + ratio;
  const double larger = 1.0 / factor;
  const double smaller = ratio * larger;
  if (log_1 > log_0) return {{smaller, larger}, log_1, factor};
  return {{larger, smaller}, log_0, factor};
}

/// The sums of the first M step, from the labels.
__device__ const double* label_sums(const Points& points, const Start& start) {
  Centers centers{};
  if (start.labels == nullptr) centers = kmeans(points, start.uniforms);
  double mine[kSums] = {};
  for_each_point(points, [&](std::int64_t i, Point p) {
    const Point d = p - points.mean;
    const int label = start.labels == nullptr ? centers.label(d) : start.labels[i];
    add(mine, 0, label == 0 ? 1.0 : 0.0, d);
    add(mine, 1, label == 0 ? 0.0 : 1.0, d);
  });
  return block_sums(mine);
}

/// The sums of an E step.
__device__ const double* expected_sums(const Points& points, const Component* components) {
  const Density zero = components[0].density;
  const Density one = components[1].density;
  double mine[kSums] = {};
  double product = 1.0;
  for_each_point(points, [&](std::int64_t, Point p) {
    const Point d = p - points.mean;
    const Expectation e = expect(zero, one, d);
    add(mine, 0, e.posterior[0], d);
    add(mine, 1, e.posterior[1], d);
    mine[kLogLikelihood] += e.larger_log;
    product *= e.factor;
    if (product > kLargeProduct) {
      mine[kLogLikelihood] += log(product);
      product = 1.0;
    }
  });
  mine[kLogLikelihood] += log(product);
  return block_sums(mine);
}

/// EM from the labels: fills components, and of the result what is known on the way.
__device__ GmmStatus iterate(const Points& points, const GmmOptions& options, const Start& start,
                             Component* components, GmmResult& fit) {
  if (!maximise(label_sums(points, start), points, options.reg_covar, components)) {
    return GmmStatus::kSingular;
  }
  double previous = -kInfinity;
  while (fit.n_iter < options.max_iter && fit.converged == 0) {
    const double* sums = expected_sums(points, components);
    if (!maximise(sums, points, options.reg_covar, components)) return GmmStatus::kSingular;
    fit.mean_log_likelihood = sums[kLogLikelihood] / static_cast<double>(points.n);
    fit.converged = fabs(fit.mean_log_likelihood - previous) < options.tol ? 1 : 0;
    previous = fit.mean_log_likelihood;
    ++fit.n_iter;
  }
  return GmmStatus::kOk;
}

/// All points equal: the first component is that point, the second one is not there.
__device__ void one_cluster(Point at, double reg_covar, GmmResult& fit) {
  fit.converged = 1;
  fit.weights[0] = 1.0;
  fit.mean_log_likelihood = -log(kTwoPi * reg_covar);
  for (int c = 0; c < 2; ++c) {
    fit.means[c][0] = at.x;
    fit.means[c][1] = at.y;
    fit.covariances[c][0][0] = fit.covariances[c][1][1] = reg_covar;
  }
}

/// The parameters of both components and which of them is the clean one.
__device__ void describe(const Component* components, GmmResult& fit) {
  for (int c = 0; c < 2; ++c) {
    const Component& from = components[c];
    fit.weights[c] = from.weight;
    fit.means[c][0] = from.mean.x;
    fit.means[c][1] = from.mean.y;
    fit.covariances[c][0][0] = from.xx;
    fit.covariances[c][0][1] = fit.covariances[c][1][0] = from.xy;
    fit.covariances[c][1][1] = from.yy;
  }
  fit.clean_component = components[1].mean.squared() < components[0].mean.squared() ? 1 : 0;
}

__device__ void write_posteriors(const Points& points, std::int64_t begin, const GmmResult& fit,
                                 const Component* components, const Output& out) {
  const auto write = [&](std::int64_t i, const double* posterior) {
    out.clean_posterior[begin + i] = fit.clean_component == 1 ? posterior[1] : posterior[0];
    if (out.posteriors == nullptr) return;
    out.posteriors[2 * (begin + i)] = posterior[0];
    out.posteriors[2 * (begin + i) + 1] = posterior[1];
  };
  if (fit.status == GmmStatus::kOk) {
    const Density zero = components[0].density;
    const Density one = components[1].density;
    for_each_point(points, [&](std::int64_t i, Point p) {
      write(i, expect(zero, one, p - points.mean).posterior);
    });
  } else {
    const double same[2] = {fit.status == GmmStatus::kOneCluster ? 1.0 : 0.0, 0.0};
    for (std::int64_t i = threadIdx.x; i < points.n; i += kThreads) write(i, same);
  }
}

__global__ void __launch_bounds__(kThreads)
    fit_kernel(DataSets sets, GmmOptions options, Start start, Output out) {
  __shared__ Component components[2];
  Points points = sets.own();
  GmmResult fit;
  fit.status = check_points(points);
  if (fit.status == GmmStatus::kOneCluster) one_cluster(points[0], options.reg_covar, fit);
  if (fit.status == GmmStatus::kOk) {
    center(points);
    if (start.labels != nullptr) start.labels += sets.begin();
    if (start.uniforms != nullptr) start.uniforms += blockIdx.x * kGmmUniforms;
    fit.status = iterate(points, options, start, components, fit);
    if (fit.status == GmmStatus::kOk) {
      describe(components, fit);
    } else {
      fit = GmmResult{};
      fit.status = GmmStatus::kSingular;
    }
  }
  write_posteriors(points, sets.begin(), fit, components, out);
  if (threadIdx.x == 0) out.results[blockIdx.x] = fit;
}

__global__ void __launch_bounds__(kThreads)
    kmeans_kernel(DataSets sets, const double* uniforms, std::uint8_t* labels) {
  Points points = sets.own();
  labels += sets.begin();
  if (check_points(points) == GmmStatus::kOk) {
    center(points);
    const Centers centers = kmeans(points, uniforms + blockIdx.x * kGmmUniforms);
    for_each_point(points, [&](std::int64_t i, Point p) {
      labels[i] = static_cast<std::uint8_t>(centers.label(p - points.mean));
    });
  } else {
    for (std::int64_t i = threadIdx.x; i < points.n; i += kThreads) labels[i] = 0;
  }
}

/// Calls queue(data sets, first, shape) for every kFitsPerLaunch data sets. Their offsets travel as
/// a parameter of the kernel: no copy to the device has to wait or to be waited for.
template <class Fn>
void for_each_launch(std::int64_t fits, const std::int64_t* offsets, const float* points, int sums,
                     Fn&& queue) {
  for (std::int64_t first = 0; first < fits; first += kFitsPerLaunch) {
    const std::int64_t count = std::min<std::int64_t>(fits - first, kFitsPerLaunch);
    DataSets sets{};
    sets.points = points;
    std::copy_n(offsets + first, count + 1, sets.offsets);
    queue(sets, first,
          LaunchShape{dim3(static_cast<unsigned>(count)), dim3(kThreads), sums_bytes(sums)});
  }
}

void fit_all(const CudaContext& ctx, const GmmOptions& options, std::int64_t fits,
             const std::int64_t* offsets, const float* points, const Start& start,
             const Output& out) {
  for_each_launch(fits, offsets, points, kSums,
                  [&](const DataSets& sets, std::int64_t first, const LaunchShape& shape) {
                    Start from = start;
                    if (from.uniforms != nullptr) from.uniforms += first * kGmmUniforms;
                    Output to = out;
                    to.results += first;
                    launch(ctx, shape, fit_kernel, sets, options, from, to);
                  });
}

}  // namespace

template <>
void gmm_fit(const CudaContext& ctx, const GmmOptions& options, std::int64_t fits,
             const std::int64_t* offsets, const float* points, const double* uniforms,
             GmmResult* results, double* clean_posterior, double* posteriors) {
  fit_all(ctx, options, fits, offsets, points, {nullptr, uniforms},
          {results, clean_posterior, posteriors});
}

template <>
void gmm_fit_from_labels(const CudaContext& ctx, const GmmOptions& options, std::int64_t fits,
                         const std::int64_t* offsets, const float* points,
                         const std::uint8_t* labels, GmmResult* results, double* clean_posterior,
                         double* posteriors) {
  fit_all(ctx, options, fits, offsets, points, {labels, nullptr},
          {results, clean_posterior, posteriors});
}

template <>
void kmeans_labels(const CudaContext& ctx, std::int64_t fits, const std::int64_t* offsets,
                   const float* points, const double* uniforms, std::uint8_t* labels) {
  for_each_launch(fits, offsets, points, planar_cuda::kClusterSums,
                  [&](const DataSets& sets, std::int64_t first, const LaunchShape& shape) {
                    launch(ctx, shape, kmeans_kernel, sets, uniforms + first * kGmmUniforms,
                           labels);
                  });
}

}  // namespace bptplr::kernels
