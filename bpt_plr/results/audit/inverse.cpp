#include "bpt_plr/results/audit/inverse.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "bpt_plr/results/audit/labelled_samples.hpp"
#include "kernels/parallel.hpp"

namespace bptplr {
namespace {

constexpr double kLeastPivot = 0.02;
/// Steps of elimination from one call of `alive` to the next.
constexpr std::size_t kStepsAtATime = 64;

/// Eliminates column k with row k, whose pivot is 1 / `inverse_of_pivot`; leaves the column of the
/// inverse in its place.
void eliminate(std::vector<double>& a, std::size_t n, std::size_t k, double inverse_of_pivot) {
  double* pivot_row = a.data() + k * n;
  pivot_row[k] = 1.0;
  for (std::size_t j = 0; j < n; ++j) pivot_row[j] *= inverse_of_pivot;
  const auto rows = static_cast<std::int64_t>(n);
  kernels::parallel_for(rows, grain_of(n), [&](std::int64_t begin, std::int64_t end) {
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
      double* row = a.data() + i * n;
      const double factor = row[k];
      if (i == k || factor == 0.0) continue;
      row[k] = 0.0;
      for (std::size_t j = 0; j < n; ++j) row[j] -= factor * pivot_row[j];
    }
  });
}

}  // namespace

bool invert(std::vector<double>& a, std::size_t n, const std::function<void()>& alive) {
  std::vector<std::size_t> pivots(n);
  for (std::size_t k = 0; k < n; ++k) {
    if (alive && k % kStepsAtATime == 0) alive();
    std::size_t pivot = k;
    for (std::size_t i = k + 1; i < n; ++i) {
      if (std::abs(a[i * n + k]) > std::abs(a[pivot * n + k])) pivot = i;
    }
    if (std::abs(a[pivot * n + k]) < kLeastPivot) return false;
    pivots[k] = pivot;
    if (pivot != k) {
      std::swap_ranges(a.data() + k * n, a.data() + (k + 1) * n, a.data() + pivot * n);
    }
    eliminate(a, n, k, 1.0 / a[k * n + k]);
  }
  // Swapped rows of a matrix are swapped columns of its inverse.
  for (std::size_t k = n; k-- > 0;) {
    if (pivots[k] == k) continue;
    for (std::size_t i = 0; i < n; ++i) std::swap(a[i * n + k], a[i * n + pivots[k]]);
  }
  return true;
}

}  // namespace bptplr
