// One EM iteration is one pass over the points: the moments of the E step's posteriors are taken
// around the mean of the data, and the covariances around the new means follow from them.
// With d = x - origin, R = sum r, s = sum r d, Q = sum r d d^T and delta = mean - origin,
//   sum r (x - mean)(x - mean)^T = Q - s delta^T - delta s^T + R delta delta^T.
#include "kernels/gmm.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "kernels/cpu/gmm/kmeans.hpp"
#include "kernels/parallel.hpp"

namespace bptplr::kernels {
namespace {

using planar::center;
using planar::kmeans;
using planar::kPointGrain;
using planar::MixtureMoments;
using planar::Moments;
using planar::moments;
using planar::Point;
using planar::Points;

static_assert(kGmmUniforms == 3, "what kmeans takes");

/// kOk when all points are finite and two of them differ.
GmmStatus check(const Points& points) {
  if (points.n == 0) return GmmStatus::kNoPoints;
  bool equal = true;
  for (std::int64_t i = 0; i < points.n; ++i) {
    if (!std::isfinite(points[i].x) || !std::isfinite(points[i].y)) return GmmStatus::kNotFinite;
    equal = equal && points[i] == points[0];
  }
  return equal ? GmmStatus::kOneCluster : GmmStatus::kOk;
}

/// log(weight N(x; mean, covariance)) prepared for evaluation: with covariance = L L^T,
/// |L^-1 (x - mean)|^2 is the Mahalanobis distance and log det L the normaliser.
struct Density {
  double log_scale;
  Point mean;  // relative to the mean of the data
  double l00, l10, l11;

  double log_at(Point d) const {
    const double u = (d.x - mean.x) / l00;
    const double v = (d.y - mean.y - l10 * u) / l11;
    return log_scale - 0.5 * (u * u + v * v);
  }
};

/// False when the covariance is not positive definite.
bool prepare(const GmmResult& fit, const Points& points, int c, Density& density) {
  const auto& covariance = fit.covariances[c];
  density.l00 = std::sqrt(covariance[0][0]);
  density.l10 = covariance[0][1] / density.l00;
  density.l11 = std::sqrt(covariance[1][1] - density.l10 * density.l10);
  density.mean = Point{fit.means[c][0], fit.means[c][1]} - points.mean;
  density.log_scale = std::log(fit.weights[c]) - std::log(2.0 * std::numbers::pi) -
                      std::log(density.l00) - std::log(density.l11);
  return density.l00 > 0.0 && density.l11 > 0.0;  // false for NaN too
}

/// Posteriors of both components, and the log of their summed densities.
struct Expectation {
  double posterior[2];
  double log_likelihood;
};

Expectation expect(const Density* densities, Point d) {
  const double log_0 = densities[0].log_at(d);
  const double log_1 = densities[1].log_at(d);
  const double ratio = std::exp(-std::abs(log_0 - log_1));
  const int larger = log_1 > log_0 ? 1 : 0;
  Expectation e{};
  e.posterior[larger] = 1.0 / (1.0 + ratio);
  e.posterior[1 - larger] = ratio / (1.0 + ratio);
  e.log_likelihood = std::max(log_0, log_1) + std::log1p(ratio);
  return e;
}

/// M step: weights, means and covariances from the moments around the mean of the data.
/// 10 epsilon on the counts, as in scikit-learn, keeps a component that lost all points defined.
void maximise(const MixtureMoments& sums, const Points& points, double reg_covar, GmmResult& fit) {
  double count[2];
  for (int c = 0; c < 2; ++c) {
    const Moments& m = sums.component[c];
    count[c] = m.weight + 10.0 * std::numeric_limits<double>::epsilon();
    fit.means[c][0] = (m.first.x + m.weight * points.mean.x) / count[c];
    fit.means[c][1] = (m.first.y + m.weight * points.mean.y) / count[c];
    const Point delta = Point{fit.means[c][0], fit.means[c][1]} - points.mean;
    const double xx = m.xx - 2.0 * m.first.x * delta.x + m.weight * delta.x * delta.x;
    const double xy =
        m.xy - m.first.x * delta.y - m.first.y * delta.x + m.weight * delta.x * delta.y;
    const double yy = m.yy - 2.0 * m.first.y * delta.y + m.weight * delta.y * delta.y;
    fit.covariances[c][0][0] = xx / count[c] + reg_covar;
    fit.covariances[c][0][1] = fit.covariances[c][1][0] = xy / count[c];
    fit.covariances[c][1][1] = yy / count[c] + reg_covar;
  }
  for (int c = 0; c < 2; ++c) fit.weights[c] = count[c] / (count[0] + count[1]);
}

/// EM from the labels. Returns false when a covariance collapsed. `densities` are the final ones.
bool iterate(const Points& points, const GmmOptions& options, const std::uint8_t* labels,
             GmmResult& fit, Density* densities) {
  maximise(moments(points, [&](std::int64_t i, Point d,
                               MixtureMoments& part) { part.component[labels[i]].add(1.0, d); }),
           points, options.reg_covar, fit);
  const auto prepare_both = [&] {
    return prepare(fit, points, 0, densities[0]) && prepare(fit, points, 1, densities[1]);
  };
  if (!prepare_both()) return false;
  double previous = -std::numeric_limits<double>::infinity();
  while (fit.n_iter < options.max_iter && fit.converged == 0) {
    const MixtureMoments sums = moments(points, [&](std::int64_t, Point d, MixtureMoments& part) {
      const Expectation e = expect(densities, d);
      part.component[0].add(e.posterior[0], d);
      part.component[1].add(e.posterior[1], d);
      part.log_likelihood += e.log_likelihood;
    });
    maximise(sums, points, options.reg_covar, fit);
    if (!prepare_both()) return false;
    fit.mean_log_likelihood = sums.log_likelihood / static_cast<double>(points.n);
    fit.converged = std::abs(fit.mean_log_likelihood - previous) < options.tol ? 1 : 0;
    previous = fit.mean_log_likelihood;
    ++fit.n_iter;
  }
  return true;
}

/// All points equal: the first component is that point, the second one is not there. The density
/// is that of a mean: 1 / (2 pi sqrt(|covariance|)).
GmmResult one_cluster(Point at, double reg_covar) {
  GmmResult fit;
  fit.status = GmmStatus::kOneCluster;
  fit.converged = 1;
  fit.weights[0] = 1.0;
  fit.mean_log_likelihood = -std::log(2.0 * std::numbers::pi * reg_covar);
  for (int c = 0; c < 2; ++c) {
    fit.means[c][0] = at.x;
    fit.means[c][1] = at.y;
    fit.covariances[c][0][0] = fit.covariances[c][1][1] = reg_covar;
  }
  return fit;
}

void write_posteriors(const Points& points, const GmmResult& fit, const Density* densities,
                      double* clean_posterior, double* posteriors) {
  parallel_for(points.n, kPointGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      Expectation e{};
      if (fit.status == GmmStatus::kOk) e = expect(densities, points[i] - points.mean);
      if (fit.status == GmmStatus::kOneCluster) e.posterior[0] = 1.0;
      clean_posterior[i] = e.posterior[fit.clean_component];
      if (posteriors != nullptr) {
        posteriors[2 * i] = e.posterior[0];
        posteriors[2 * i + 1] = e.posterior[1];
      }
    }
  });
}

/// Fits one data set; label(points) returns the labels to start from.
template <class Fn>
GmmResult fit_one(Points points, const GmmOptions& options, Fn&& label, double* clean_posterior,
                  double* posteriors) {
  GmmResult fit;
  Density densities[2];
  fit.status = check(points);
  if (fit.status == GmmStatus::kOneCluster) fit = one_cluster(points[0], options.reg_covar);
  if (fit.status == GmmStatus::kOk) {
    center(points);
    if (iterate(points, options, label(points), fit, densities)) {
      const auto& mean = fit.means;
      const double norm_0 = mean[0][0] * mean[0][0] + mean[0][1] * mean[0][1];
      const double norm_1 = mean[1][0] * mean[1][0] + mean[1][1] * mean[1][1];
      fit.clean_component = norm_1 < norm_0 ? 1 : 0;
    } else {
      fit = GmmResult{};
      fit.status = GmmStatus::kSingular;
    }
  }
  write_posteriors(points, fit, densities, clean_posterior, posteriors);
  return fit;
}

/// The data sets in double precision, and room for a label of every point.
class DataSets {
 public:
  template <class T>
  DataSets(const CpuContext& ctx, std::int64_t sets, const std::int64_t* offsets, const T* points)
      : offsets_(offsets) {
    const std::int64_t n = offsets[sets];
    auto* memory = ctx.scratch<unsigned char>(n * std::int64_t{sizeof(Point) + 1});
    auto* copy = reinterpret_cast<Point*>(memory);
    labels_ = memory + n * std::int64_t{sizeof(Point)};
    points_ = copy;
    for (std::int64_t i = 0; i < n; ++i) {
      copy[i] = {static_cast<double>(points[2 * i]), static_cast<double>(points[2 * i + 1])};
    }
  }

  Points operator[](std::int64_t k) const {
    return {points_ + offsets_[k], offsets_[k + 1] - offsets_[k]};
  }
  std::uint8_t* labels(std::int64_t k) const { return labels_ + offsets_[k]; }

 private:
  const std::int64_t* offsets_;
  const Point* points_;
  std::uint8_t* labels_;
};

}  // namespace

template <class Context, class T>
void gmm_fit(const Context& ctx, const GmmOptions& options, std::int64_t fits,
             const std::int64_t* offsets, const T* points, const double* uniforms,
             GmmResult* results, double* clean_posterior, double* posteriors) {
  const DataSets sets(ctx, fits, offsets, points);
  for (std::int64_t k = 0; k < fits; ++k) {
    const auto label = [&](const Points& set) {
      kmeans(set, uniforms + k * kGmmUniforms, sets.labels(k));
      return sets.labels(k);
    };
    results[k] = fit_one(sets[k], options, label, clean_posterior + offsets[k],
                         posteriors == nullptr ? nullptr : posteriors + 2 * offsets[k]);
  }
}

template <class Context, class T>
void gmm_fit_from_labels(const Context& ctx, const GmmOptions& options, std::int64_t fits,
                         const std::int64_t* offsets, const T* points, const std::uint8_t* labels,
                         GmmResult* results, double* clean_posterior, double* posteriors) {
  const DataSets sets(ctx, fits, offsets, points);
  for (std::int64_t k = 0; k < fits; ++k) {
    const auto label = [&](const Points&) { return labels + offsets[k]; };
    results[k] = fit_one(sets[k], options, label, clean_posterior + offsets[k],
                         posteriors == nullptr ? nullptr : posteriors + 2 * offsets[k]);
  }
}

template <class Context, class T>
void kmeans_labels(const Context& ctx, std::int64_t fits, const std::int64_t* offsets,
                   const T* points, const double* uniforms, std::uint8_t* labels) {
  const DataSets sets(ctx, fits, offsets, points);
  for (std::int64_t k = 0; k < fits; ++k) {
    Points set = sets[k];
    if (check(set) == GmmStatus::kOk) {
      center(set);
      kmeans(set, uniforms + k * kGmmUniforms, labels + offsets[k]);
    } else {
      std::fill(labels + offsets[k], labels + offsets[k + 1], std::uint8_t{0});
    }
  }
}

template void gmm_fit(const CpuContext&, const GmmOptions&, std::int64_t, const std::int64_t*,
                      const float*, const double*, GmmResult*, double*, double*);
template void gmm_fit_from_labels(const CpuContext&, const GmmOptions&, std::int64_t,
                                  const std::int64_t*, const float*, const std::uint8_t*,
                                  GmmResult*, double*, double*);
template void kmeans_labels(const CpuContext&, std::int64_t, const std::int64_t*, const float*,
                            const double*, std::uint8_t*);
template void gmm_fit(const CpuContext&, const GmmOptions&, std::int64_t, const std::int64_t*,
                      const double*, const double*, GmmResult*, double*, double*);
template void gmm_fit_from_labels(const CpuContext&, const GmmOptions&, std::int64_t,
                                  const std::int64_t*, const double*, const std::uint8_t*,
                                  GmmResult*, double*, double*);
template void kmeans_labels(const CpuContext&, std::int64_t, const std::int64_t*, const double*,
                            const double*, std::uint8_t*);

}  // namespace bptplr::kernels
