// Soft targets of semi-supervised training (DivideMix, Li et al., ICLR 2020, section 3.2).
//
//   sharpen(p)_c = p_c^(1/T) / sum_k p_k^(1/T)
//   co-guess     p_u = (p_k(u1) + p_k(u2) + p_j(u1) + p_j(u2)) / 4,      t_u = sharpen(p_u)
//   co-refine    p_x = w onehot(y) + (1 - w) (p_k(x1) + p_k(x2)) / 2,    t_x = sharpen(p_x)
//
// T: float; double on a CPU.
//
// k is the network in training, j the other one; 1 and 2 are two weak views. Targets carry no
// gradient.
#pragma once

#include <cstdint>
#include <type_traits>

#include "kernels/context.hpp"

namespace bptplr::kernels {

/// Computes targets [rows, classes] from probabilities p [rows, classes]; temperature > 0. In place
/// allowed.
template <class Context, class T>
void sharpen(const Context& ctx, std::int64_t rows, std::int64_t classes, double temperature,
             const T* p, T* targets);

/// Computes co-guessed targets [rows, classes] from four batches of logits [rows, classes]; p
/// [rows, classes], the targets before sharpening, may be null.
template <class Context, class T>
void co_guess(const Context& ctx, std::int64_t rows, std::int64_t classes, double temperature,
              const T* logits_k1, const T* logits_k2, const T* logits_j1, const T* logits_j2,
              T* targets, std::type_identity_t<T>* p);

/// Computes co-refined targets [rows, classes] from two batches of logits [rows, classes], noisy
/// labels [rows] in [0, classes) and clean probabilities w [rows] in [0, 1]; p [rows, classes], the
/// targets before sharpening, may be null.
template <class Context, class T>
void co_refine(const Context& ctx, std::int64_t rows, std::int64_t classes, double temperature,
               const T* logits_k1, const T* logits_k2, const std::int64_t* labels, const float* w,
               T* targets, std::type_identity_t<T>* p);

}  // namespace bptplr::kernels
