// Losses of the method over classifier logits, value and gradient in one call.
//
// With p_i = softmax(z_i), targets t, N = labelled + unlabelled rows, C classes:
//   L_X = -1/|labelled|  sum_{i labelled} sum_c t_ic log p_ic
//   L_U = 1/(|unlabelled| C)  sum_{i unlabelled} sum_c (p_ic - t_ic)^2
//   R   = sum_c (1/C) log((1/C) / m_c),  m_c = 1/N sum_i p_ic over all rows
// (DivideMix, Li et al., ICLR 2020, equations 8 to 11.) A term without rows is 0.
//
// T: float; double on a CPU. On a GPU a block's shared memory holds eight rows: at most 7,000
// classes on an H100, 5,000 on an A100, 3,000 where a block has 99 KiB; more throw an error that
// says so.
#pragma once

#include <cstdint>

#include "kernels/context.hpp"

namespace bptplr::kernels {

struct SemiSupervisedShape {
  std::int64_t labelled = 0;    ///< number of rows that come first
  std::int64_t unlabelled = 0;  ///< number of rows after them
  std::int64_t classes = 0;

  std::int64_t rows() const { return labelled + unlabelled; }
};

/// Factors of L_X, L_U and R in the loss; 0 switches a term off (its value is still reported).
struct SemiSupervisedCoefficients {
  double labelled = 1;
  double unlabelled = 1;
  double penalty = 1;
};

/// Computes the semi-supervised loss of logits and targets [labelled + unlabelled, classes].
/// coefficients: one, in device memory, so that a graph (device_graph.hpp) reads it in every
/// replay. loss [1], the weighted sum; terms [3], L_X, L_U and R without weights; grad [rows,
/// classes], of the weighted sum with respect to the logits.
template <class Context, class T>
void semi_supervised_loss(const Context& ctx, const SemiSupervisedShape& shape,
                          const SemiSupervisedCoefficients* coefficients, const T* logits,
                          const T* targets, T* loss, T* terms, T* grad);

/// Computes loss [1] = mean_i sum_c p_ic log p_ic, which penalises confident predictions (warm-up
/// under asymmetric noise), and grad [rows, classes]; 0 without rows. logits [rows, classes].
template <class Context, class T>
void negative_entropy(const Context& ctx, std::int64_t rows, std::int64_t classes, const T* logits,
                      T* loss, T* grad);

/// Computes the generalised cross-entropy (Zhang and Sabuncu, NeurIPS 2018):
///   loss [1] = mean_i (1 - p_i(y_i)^q) / q,
/// between cross-entropy (q -> 0) and 1 - p (q = 1), and grad [rows, classes]; 0 without rows.
/// logits [rows, classes], labels [rows] in [0, classes), q in (0, 1].
template <class Context, class T>
void generalized_cross_entropy(const Context& ctx, std::int64_t rows, std::int64_t classes,
                               double q, const T* logits, const std::int64_t* labels, T* loss,
                               T* grad);

}  // namespace bptplr::kernels
