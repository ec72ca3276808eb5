#include "kernels/cpu/gmm/kmeans.hpp"

#include <algorithm>
#include <limits>

namespace bptplr::kernels::planar {
namespace {

constexpr int kMaxIterations = 300;
constexpr double kTolerance = 1e-4;  // of the squared shift of the centres, in mean variances
constexpr int kLocalTrials = 2;      // 2 + floor(log(number of clusters))

/// The second centre of greedy k-means++ (Arthur and Vassilvitskii 2007): of some points drawn with
/// probability proportional to their squared distance from the first centre, the one that leaves
/// the smallest sum of squared distances to the nearer centre.
Point second_center(const Points& points, Point first, const double* uniforms) {
  double total = 0;
  for (std::int64_t i = 0; i < points.n; ++i) total += (points[i] - first).squared();
  Point best = first;
  double best_potential = std::numeric_limits<double>::infinity();
  for (int trial = 0; trial < kLocalTrials; ++trial) {
    // The first point at which the running sum exceeds the threshold, so never one at distance 0:
    // the centres differ, and with two different centres Lloyd leaves no cluster empty.
    const double threshold = uniforms[trial] * total;
    Point candidate = first;
    double sum = 0;
    for (std::int64_t i = 0; i < points.n && sum <= threshold; ++i) {
      const double distance = (points[i] - first).squared();
      sum += distance;
      if (distance > 0.0) candidate = points[i];
    }
    double potential = 0;
    for (std::int64_t i = 0; i < points.n; ++i) {
      potential += std::min((points[i] - first).squared(), (points[i] - candidate).squared());
    }
    if (potential < best_potential) {
      best_potential = potential;
      best = candidate;
    }
  }
  return best;
}

/// Labels every point by the nearer centre (0 when equally near) and returns the clusters' moments.
MixtureMoments assign(const Points& points, const Point* centers, std::uint8_t* labels) {
  return moments(points, [&](std::int64_t i, Point d, MixtureMoments& part) {
    const std::uint8_t label = (d - centers[1]).squared() < (d - centers[0]).squared() ? 1 : 0;
    part.changed += labels[i] != label ? 1 : 0;
    labels[i] = label;
    part.component[label].add(1.0, d);
  });
}

}  // namespace

void center(Points& points) {
  points.mean = points[0];
  const Moments sums = moments(points, [](std::int64_t, Point d, MixtureMoments& part) {
                         part.component[0].add(1.0, d);
                       }).component[0];
  const auto n = static_cast<double>(points.n);
  const Point shift = sums.first / n;
  points.mean = points.mean + shift;
  points.mean_variance = ((sums.xx + sums.yy) / n - shift.squared()) / 2.0;
}

void kmeans(const Points& points, const double* uniforms, std::uint8_t* labels) {
  constexpr std::uint8_t kUnassigned = 2;
  const auto first = std::min(
      points.n - 1, static_cast<std::int64_t>(uniforms[0] * static_cast<double>(points.n)));
  Point centers[2] = {points[first] - points.mean,
                      second_center(points, points[first], uniforms + 1) - points.mean};
  std::fill(labels, labels + points.n, kUnassigned);
  for (int iteration = 0; iteration < kMaxIterations; ++iteration) {
    const MixtureMoments clusters = assign(points, centers, labels);
    double shift = 0;
    for (int c = 0; c < 2; ++c) {
      if (clusters.component[c].weight == 0.0) continue;
      const Point moved = clusters.component[c].first / clusters.component[c].weight;
      shift += (moved - centers[c]).squared();
      centers[c] = moved;
    }
    if (clusters.changed == 0) return;
    if (shift <= kTolerance * points.mean_variance) break;
  }
  assign(points, centers, labels);  // so that the labels belong to the final centres
}

}  // namespace bptplr::kernels::planar
