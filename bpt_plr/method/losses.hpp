// The losses of the method as differentiable functions: thin wrappers that tie the fused kernels
// (value and gradient in one call) to the tape.
#pragma once

#include <cstdint>
#include <span>

#include "engine/tensor.hpp"
#include "kernels/losses.hpp"
#include "kernels/plr.hpp"

namespace bptplr {

/// Rows of bit sets, one per sample (kernels/plr.hpp).
struct ClassSets {
  std::int64_t words = 0;
  Tensor bits;  ///< [samples, words], int64 for want of an unsigned type

  const std::uint64_t* data() const {
    return reinterpret_cast<const std::uint64_t*>(bits.data<std::int64_t>());
  }
};

/// The top `kappa` classes of logits [n, classes] united with the labels, int64 [n] on the same
/// device.
ClassSets make_class_sets(const Tensor& logits, const Tensor& labels, std::int64_t kappa);

/// L_X, L_U and R of one batch of logits, weighted and added up.
struct SemiSupervisedLoss {
  Tensor loss;   ///< [1], differentiable
  Tensor terms;  ///< [3]: L_X, L_U, R
};
/// logits and targets [labelled + unlabelled, classes], the labelled rows first; the coefficients
/// are in memory of their device.
SemiSupervisedLoss semi_supervised_loss(const Tensor& logits, const Tensor& targets,
                                        std::int64_t labelled,
                                        const kernels::SemiSupervisedCoefficients* coefficients);

/// mean_i sum_c p log p over logits [n, classes] -> [1].
Tensor negative_entropy(const Tensor& logits);

/// mean_i (1 - p_i(y_i)^q) / q over logits [n, classes] -> [1]; q in (0, 1]. Labels are int64 [n]
/// on the same device; on a GPU those outside of the classes are not noticed.
Tensor generalized_cross_entropy(const Tensor& logits, const Tensor& labels, double q);

/// PLR over features [2n, dim] with class sets, or InfoNCE / FlatNCE without (sets = nullptr)
/// -> [1].
Tensor contrastive_loss(const Tensor& features, const ClassSets* sets,
                        kernels::ContrastiveLoss kind, double tau);

}  // namespace bptplr
