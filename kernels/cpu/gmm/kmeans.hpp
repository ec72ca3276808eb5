// Weighted sums over points in the plane and k-means with two clusters: what the Gaussian mixture
// (gmm.cpp) starts from. Every iteration reads each point once and keeps nothing of it but a label.
#pragma once

#include <cstdint>

#include "kernels/parallel.hpp"

namespace bptplr::kernels::planar {

/// Points that one chunk of a sum handles.
inline constexpr std::int64_t kPointGrain = 2048;

struct Point {
  double x = 0;
  double y = 0;

  friend Point operator-(Point a, Point b) { return {a.x - b.x, a.y - b.y}; }
  friend Point operator+(Point a, Point b) { return {a.x + b.x, a.y + b.y}; }
  friend Point operator/(Point a, double d) { return {a.x / d, a.y / d}; }
  bool operator==(const Point&) const = default;
  double squared() const { return x * x + y * y; }
};

/// One data set, its mean and the mean variance of its two coordinates.
struct Points {
  const Point* data;
  std::int64_t n;
  Point mean{};
  double mean_variance = 0;

  Point operator[](std::int64_t i) const { return data[i]; }
};

/// Sums of weighted points around an origin.
struct Moments {
  double weight = 0;
  Point first{};
  double xx = 0;
  double xy = 0;
  double yy = 0;

  void add(double r, Point d) {
    weight += r;
    first.x += r * d.x;
    first.y += r * d.y;
    xx += r * d.x * d.x;
    xy += r * d.x * d.y;
    yy += r * d.y * d.y;
  }
  Moments& operator+=(const Moments& o) {
    weight += o.weight;
    first = first + o.first;
    xx += o.xx;
    xy += o.xy;
    yy += o.yy;
    return *this;
  }
};

/// Moments of both components, and what else is summed beside them.
struct MixtureMoments {
  Moments component[2];
  double log_likelihood = 0;  // E step
  std::int64_t changed = 0;   // k-means: labels that changed

  MixtureMoments& operator+=(const MixtureMoments& o) {
    component[0] += o.component[0];
    component[1] += o.component[1];
    log_likelihood += o.log_likelihood;
    changed += o.changed;
    return *this;
  }
};

/// MixtureMoments over all points: visit(i, x - mean, sums) adds point i to its chunk's sums.
template <class Fn>
MixtureMoments moments(const Points& points, Fn&& visit) {
  const auto chunk = [&](std::int64_t begin, std::int64_t end) {
    MixtureMoments part;
    for (std::int64_t i = begin; i < end; ++i) visit(i, points[i] - points.mean, part);
    return part;
  };
  return parallel_sum<MixtureMoments>(points.n, kPointGrain, chunk);
}

/// Fills mean and mean_variance of a set of at least one point.
void center(Points& points);

/// Labels every point 0 or 1 by k-means as scikit-learn 1.2 does it: greedy k-means++ with the
/// uniforms [3] in [0, 1), then Lloyd iterations. There must be two different points.
void kmeans(const Points& points, const double* uniforms, std::uint8_t* labels);

}  // namespace bptplr::kernels::planar
