// Every gradient goes through the softmax: with d_c = dL/dp_c,
//   dL/dz_c = p_c (d_c - sum_k p_k d_k),
// where for one row i
//   R:    d_c = -1 / (N C m_c), since dR/dm_c = -1/(C m_c) and dm_c/dp_ic = 1/N;
//   L_U:  d_c = 2 (p_c - t_c) / (|unlabelled| C).
// L_X skips p, which may be tiny: with log p_c = z_c - log sum exp z,
//   dL_X/dz_c = (p_c sum_k t_k - t_c) / |labelled|.
#include "kernels/losses.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/cpu/softmax_row.hpp"
#include "kernels/parallel.hpp"

namespace bptplr::kernels {
namespace {

/// Classes that one chunk of a sum over rows handles: a cache line of doubles or more.
constexpr std::int64_t kClassGrain = 32;

double mean_or_zero(const double* values, std::int64_t count) {
  double sum = 0;
  for (std::int64_t i = 0; i < count; ++i) sum += values[i];
  return count == 0 ? 0.0 : sum / static_cast<double>(count);
}

/// p [classes] = softmax(z); returns log sum exp z.
template <class T>
double softmax_row(const T* z, std::int64_t classes, double* p) {
  const double normaliser = log_sum_exp(z, classes);
  for (std::int64_t c = 0; c < classes; ++c) {
    p[c] = std::exp(static_cast<double>(z[c]) - normaliser);
  }
  return normaliser;
}

/// m [classes] = mean over the rows of p [rows, classes].
void column_means(std::int64_t rows, std::int64_t classes, const double* p, double* m) {
  parallel_for(classes, kClassGrain, [&](std::int64_t begin, std::int64_t end) {
    std::fill(m + begin, m + end, 0.0);
    for (std::int64_t i = 0; i < rows; ++i) {
      for (std::int64_t c = begin; c < end; ++c) m[c] += p[i * classes + c];
    }
    // A class that no row gives any probability must not make the penalty infinite.
    for (std::int64_t c = begin; c < end; ++c) {
      m[c] = std::max(m[c] / static_cast<double>(rows), std::numeric_limits<double>::min());
    }
  });
}

/// Softmax p of every row, and of each row its share of L_X or L_U (before the mean over rows).
template <class T>
void row_losses(const SemiSupervisedShape& shape, const T* logits, const T* targets, double* p,
                double* losses) {
  const std::int64_t classes = shape.classes;
  parallel_for(shape.rows(), softmax_grain(classes), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const T* z = logits + i * classes;
      const T* t = targets + i * classes;
      double* row = p + i * classes;
      const double normaliser = softmax_row(z, classes, row);
      double sum = 0;
      for (std::int64_t c = 0; c < classes; ++c) {
        const auto target = static_cast<double>(t[c]);
        const double error = row[c] - target;
        sum += i < shape.labelled ? target * (normaliser - static_cast<double>(z[c]))
                                  : error * error / static_cast<double>(classes);
      }
      losses[i] = sum;
    }
  });
}

/// Gradient of the weighted sum from the softmax p of every row and its mean over the rows.
template <class T>
void semi_supervised_gradient(const SemiSupervisedShape& shape,
                              const SemiSupervisedCoefficients& coefficients, const double* p,
                              const double* mean, const T* targets, T* grad) {
  const std::int64_t classes = shape.classes;
  const auto over = [](double coefficient, std::int64_t count) {
    return count == 0 ? 0.0 : coefficient / static_cast<double>(count);
  };
  const double scale_x = over(coefficients.labelled, shape.labelled);
  const double scale_u = over(2.0 * coefficients.unlabelled, shape.unlabelled * classes);
  const double scale_r = over(-coefficients.penalty, shape.rows() * classes);
  parallel_for(shape.rows(), softmax_grain(classes), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const bool labelled = i < shape.labelled;
      const double* row = p + i * classes;
      const T* t = targets + i * classes;
      const auto slope = [&](std::int64_t c) {
        const double of_penalty = scale_r / mean[c];
        return labelled ? of_penalty : of_penalty + scale_u * (row[c] - static_cast<double>(t[c]));
      };
      double inner = 0;
      double target_sum = 0;
      for (std::int64_t c = 0; c < classes; ++c) {
        inner += row[c] * slope(c);
        target_sum += static_cast<double>(t[c]);
      }
      for (std::int64_t c = 0; c < classes; ++c) {
        double dz = row[c] * (slope(c) - inner);
        if (labelled) dz += scale_x * (row[c] * target_sum - static_cast<double>(t[c]));
        grad[i * classes + c] = static_cast<T>(dz);
      }
    }
  });
}

}  // namespace

template <class Context, class T>
void semi_supervised_loss(const Context& ctx, const SemiSupervisedShape& shape,
                          const SemiSupervisedCoefficients* coefficients, const T* logits,
                          const T* targets, T* loss, T* terms, T* grad) {
  const std::int64_t classes = shape.classes;
  std::fill(terms, terms + 3, T{0});
  *loss = T{0};
  if (shape.rows() == 0) return;
  auto* p = ctx.template scratch<double>(shape.rows() * classes + classes + shape.rows());
  double* mean = p + shape.rows() * classes;
  double* losses = mean + classes;
  row_losses(shape, logits, targets, p, losses);
  column_means(shape.rows(), classes, p, mean);

  const double loss_x = mean_or_zero(losses, shape.labelled);
  const double loss_u = mean_or_zero(losses + shape.labelled, shape.unlabelled);
  double penalty = 0;
  const double uniform = 1.0 / static_cast<double>(classes);
  for (std::int64_t c = 0; c < classes; ++c) penalty += uniform * std::log(uniform / mean[c]);
  terms[0] = static_cast<T>(loss_x);
  terms[1] = static_cast<T>(loss_u);
  terms[2] = static_cast<T>(penalty);
  *loss = static_cast<T>(coefficients->labelled * loss_x + coefficients->unlabelled * loss_u +
                         coefficients->penalty * penalty);
  semi_supervised_gradient(shape, *coefficients, p, mean, targets, grad);
}

template <class Context, class T>
void negative_entropy(const Context& ctx, std::int64_t rows, std::int64_t classes, const T* logits,
                      T* loss, T* grad) {
  *loss = T{0};
  if (rows == 0) return;
  auto* p = ctx.template scratch<double>(rows * classes + rows);
  double* row_loss = p + rows * classes;
  // d/dz_c sum_k p_k log p_k = p_c (log p_c - sum_k p_k log p_k): d_c = log p_c + 1, and the 1
  // drops out because the p_k sum to one.
  parallel_for(rows, softmax_grain(classes), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const T* z = logits + i * classes;
      double* row = p + i * classes;
      const double normaliser = softmax_row(z, classes, row);
      double sum = 0;
      for (std::int64_t c = 0; c < classes; ++c) {
        sum += row[c] * (static_cast<double>(z[c]) - normaliser);
      }
      row_loss[i] = sum;
      for (std::int64_t c = 0; c < classes; ++c) {
        const double log_p = static_cast<double>(z[c]) - normaliser;
        grad[i * classes + c] = static_cast<T>(row[c] * (log_p - sum) / static_cast<double>(rows));
      }
    }
  });
  *loss = static_cast<T>(mean_or_zero(row_loss, rows));
}

template <class Context, class T>
void generalized_cross_entropy(const Context& /*ctx*/, std::int64_t rows, std::int64_t classes,
                               double q, const T* logits, const std::int64_t* labels, T* loss,
                               T* grad) {
  // With p^q = exp(q log p), y the label: d/dz_c (1 - p_y^q) / q = p_y^q (p_c - [c = y]).
  const double inverse_rows = 1.0 / static_cast<double>(std::max<std::int64_t>(rows, 1));
  const double total =
      parallel_sum<double>(rows, softmax_grain(classes), [&](std::int64_t begin, std::int64_t end) {
        double sum = 0;
        for (std::int64_t i = begin; i < end; ++i) {
          const T* z = logits + i * classes;
          const double normaliser = log_sum_exp(z, classes);
          const double log_p = static_cast<double>(z[labels[i]]) - normaliser;
          const double slope = std::exp(q * log_p) * inverse_rows;
          sum -= std::expm1(q * log_p) / q;
          for (std::int64_t c = 0; c < classes; ++c) {
            const double log_p_c = static_cast<double>(z[c]) - normaliser;
            const double error = c == labels[i] ? std::expm1(log_p) : std::exp(log_p_c);
            grad[i * classes + c] = static_cast<T>(slope * error);
          }
        }
        return sum;
      });
  *loss = static_cast<T>(total * inverse_rows);
}

template void semi_supervised_loss(const CpuContext&, const SemiSupervisedShape&,
                                   const SemiSupervisedCoefficients*, const float*, const float*,
                                   float*, float*, float*);
template void negative_entropy(const CpuContext&, std::int64_t, std::int64_t, const float*, float*,
                               float*);
template void generalized_cross_entropy(const CpuContext&, std::int64_t, std::int64_t, double,
                                        const float*, const std::int64_t*, float*, float*);
template void semi_supervised_loss(const CpuContext&, const SemiSupervisedShape&,
                                   const SemiSupervisedCoefficients*, const double*, const double*,
                                   double*, double*, double*);
template void negative_entropy(const CpuContext&, std::int64_t, std::int64_t, const double*,
                               double*, double*);
template void generalized_cross_entropy(const CpuContext&, std::int64_t, std::int64_t, double,
                                        const double*, const std::int64_t*, double*, double*);

}  // namespace bptplr::kernels
