#include "bpt_plr/results/issues/neighbours.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "engine/error.hpp"
#include "engine/memory.hpp"
#include "kernels/nearest_rows.hpp"
#include "kernels/parallel.hpp"

namespace bptplr {
namespace {

/// Rounding of distances between equal rows.
constexpr double kRounding = 1e-6;

/// Returns the rows at unit length; a row of zeros stays one, at distance 1 of all others.
Tensor at_unit_length(const Tensor& features) {
  const std::int64_t dim = features.size(1);
  Tensor unit = features.clone();
  float* rows = unit.data<float>();
  kernels::parallel_for(features.size(0), 256, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      float* row = rows + i * dim;
      double squares = 0.0;
      for (std::int64_t d = 0; d < dim; ++d) squares += static_cast<double>(row[d]) * row[d];
      require(std::isfinite(squares), "the features of sample {} are not finite", i);
      const float scale = squares > 0.0 ? static_cast<float>(1.0 / std::sqrt(squares)) : 0.0F;
      for (std::int64_t d = 0; d < dim; ++d) row[d] *= scale;
    }
  });
  return unit;
}

/// Returns the quantile of values, interpolated between the two next to it.
double quantile(std::vector<double> values, double share) {
  std::ranges::sort(values);
  const double at = share * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (at - static_cast<double>(below)) * (values[above] - values[below]);
}

/// Union of samples, each set known by its first.
class Sets {
 public:
  explicit Sets(std::size_t count) : first_(count) {
    std::iota(first_.begin(), first_.end(), std::int64_t{0});
  }
  std::int64_t find(std::int64_t i) {
    while (first(i) != i) {
      first(i) = first(first(i));
      i = first(i);
    }
    return i;
  }
  void join(std::int64_t a, std::int64_t b) {
    const std::int64_t one = find(a);
    const std::int64_t other = find(b);
    first(std::max(one, other)) = std::min(one, other);
  }

 private:
  std::int64_t& first(std::int64_t i) { return first_[static_cast<std::size_t>(i)]; }
  std::vector<std::int64_t> first_;
};

}  // namespace

Neighbours find_neighbours(const Tensor& features, std::int64_t k,
                           const std::function<void(double share)>& progress) {
  const std::int64_t count = features.size(0);
  Neighbours found;
  found.k = std::min(k, count - 1);
  if (found.k <= 0) return {};
  const Tensor unit = at_unit_length(features);
  found.index.resize(static_cast<std::size_t>(count * found.k));
  found.distance.resize(static_cast<std::size_t>(count * found.k));
  kernels::nearest_rows(cpu_context(), {count, features.size(1), found.k}, unit.data<float>(),
                        found.index.data(), found.distance.data(), progress);
  for (float& value : found.distance) value = std::max(0.0F, 1.0F - value);
  return found;
}

NearDuplicates find_near_duplicates(const Neighbours& neighbours) {
  NearDuplicates found;
  if (neighbours.k == 0) return found;
  const auto k = static_cast<std::size_t>(neighbours.k);
  const std::size_t count = neighbours.index.size() / k;
  std::vector<double> nearest(count);
  for (std::size_t i = 0; i < count; ++i)
    nearest[i] = static_cast<double>(neighbours.distance[i * k]);
  const double median = std::max(quantile(nearest, 0.5), kRounding);
  const double threshold = std::max(kDuplicateShare * median, kRounding);
  Sets sets(count);
  found.is_one.assign(count, false);
  for (std::size_t i = 0; i < count; ++i) {
    found.score.push_back(static_cast<float>(1.0 - std::exp(-nearest[i] / median)));
    for (std::size_t n = 0; n < k; ++n) {
      if (static_cast<double>(neighbours.distance[i * k + n]) >= threshold) break;
      found.is_one[i] = true;
      found.is_one[static_cast<std::size_t>(neighbours.index[i * k + n])] = true;
      sets.join(static_cast<std::int64_t>(i), neighbours.index[i * k + n]);
    }
  }
  std::map<std::int64_t, std::vector<std::int64_t>> by_first;
  for (std::size_t i = 0; i < count; ++i) {
    const auto sample = static_cast<std::int64_t>(i);
    if (found.is_one[i]) by_first[sets.find(sample)].push_back(sample);
  }
  for (auto& entry : by_first) found.sets.push_back(std::move(entry.second));
  return found;
}

Outliers find_outliers(const Neighbours& neighbours) {
  Outliers found;
  if (neighbours.k == 0) return found;
  const auto k = static_cast<std::size_t>(neighbours.k);
  std::vector<double> means;
  for (std::size_t i = 0; i * k < neighbours.index.size(); ++i) {
    const auto* from = neighbours.distance.data() + i * k;
    means.push_back(std::accumulate(from, from + k, 0.0) / static_cast<double>(k));
  }
  const double first = quantile(means, 0.25);
  const double third = quantile(means, 0.75);
  const double threshold = std::max(third + kOutlierRange * (third - first), kRounding);
  for (const double mean : means) {
    found.score.push_back(static_cast<float>(std::exp(-mean / threshold)));
    found.is_one.push_back(mean > threshold);
  }
  return found;
}

}  // namespace bptplr
