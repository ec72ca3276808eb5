#include "bpt_plr/results/judges/cholesky.hpp"

#include <algorithm>
#include <cmath>

#include "engine/error.hpp"
#include "kernels/parallel.hpp"

namespace bptplr {
namespace {

/// Columns that are eliminated at a time, and rows that a thread updates.
constexpr std::int64_t kPanel = 64;
constexpr std::int64_t kRows = 16;

/// Lower triangle of a matrix, in place of which comes L of A = L L^T.
class Factor {
 public:
  Factor(std::vector<double>& a, std::int64_t n) : a_(a), n_(n) {}

  void compute() {
    for (std::int64_t first = 0; first < n_; first += kPanel) {
      const std::int64_t last = std::min(first + kPanel, n_);
      factor_diagonal(first, last);
      kernels::parallel_for(n_ - last, kRows, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = last + begin; i < last + end; ++i) solve_row(i, first, last);
      });
      update(first, last);
    }
  }

 private:
  double* row(std::int64_t i) { return a_.data() + i * n_; }

  void factor_diagonal(std::int64_t first, std::int64_t last) {
    for (std::int64_t j = first; j < last; ++j) {
      for (std::int64_t k = first; k < j; ++k) {
        for (std::int64_t i = j; i < last; ++i) row(i)[j] -= row(i)[k] * row(j)[k];
      }
      require(row(j)[j] > 0.0, "a matrix that should be positive definite is not");
      const double root = std::sqrt(row(j)[j]);
      for (std::int64_t i = j; i < last; ++i) row(i)[j] /= root;
    }
  }

  /// Computes columns first to last - 1 of a row below them.
  void solve_row(std::int64_t i, std::int64_t first, std::int64_t last) {
    for (std::int64_t j = first; j < last; ++j) {
      for (std::int64_t k = first; k < j; ++k) row(i)[j] -= row(i)[k] * row(j)[k];
      row(i)[j] /= row(j)[j];
    }
  }

  /// Subtracts what the panel explains from the columns right of it. The panel is turned, so that
  /// the innermost loop runs along rows of both.
  void update(std::int64_t first, std::int64_t last) {
    const std::int64_t rest = n_ - last;
    std::vector<double> turned(static_cast<std::size_t>((last - first) * rest));
    kernels::parallel_for(rest, kRows, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t j = begin; j < end; ++j) {
        for (std::int64_t k = first; k < last; ++k) {
          turned[static_cast<std::size_t>((k - first) * rest + j)] = row(last + j)[k];
        }
      }
    });
    kernels::parallel_for(rest, kRows, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        double* to = row(last + i) + last;
        for (std::int64_t k = first; k < last; ++k) {
          const double factor = row(last + i)[k];
          const double* from = turned.data() + (k - first) * rest;
          for (std::int64_t j = 0; j <= i; ++j) to[j] -= factor * from[j];
        }
      }
    });
  }

  std::vector<double>& a_;
  std::int64_t n_;
};

}  // namespace

std::vector<double> solve_positive(std::vector<double> a, std::vector<double> b, std::int64_t n,
                                   std::int64_t columns) {
  Factor(a, n).compute();
  const auto at = [&](std::int64_t i, std::int64_t j) {
    return a[static_cast<std::size_t>(i * n + j)];
  };
  const auto subtract = [&](std::int64_t i, std::int64_t k, double factor) {
    double* to = b.data() + i * columns;
    const double* from = b.data() + k * columns;
    for (std::int64_t c = 0; c < columns; ++c) to[c] -= factor * from[c];
  };
  const auto divide = [&](std::int64_t i) {
    for (std::int64_t c = 0; c < columns; ++c)
      b[static_cast<std::size_t>(i * columns + c)] /= at(i, i);
  };
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t k = 0; k < i; ++k) subtract(i, k, at(i, k));
    divide(i);
  }
  for (std::int64_t i = n - 1; i >= 0; --i) {
    for (std::int64_t k = i + 1; k < n; ++k) subtract(i, k, at(k, i));
    divide(i);
  }
  return b;
}

}  // namespace bptplr
