// Pseudo-label relaxed contrastive loss (PLR; Liu et al., PLReMix, arXiv 2402.17589) and the
// instance-discrimination losses of the warm-up, which differ from it only in the choice of
// negatives.
//
// There are 2n anchors f (rows 0..n-1 are one view of n samples, rows n..2n-1 another view of the
// same samples), s_ij = f_i . f_j / tau. The only positive of an anchor is its other view. Anchors
// i and j are negatives of each other if the class sets of their samples are disjoint; every other
// pair is ignored. Without class sets the anchors of all other samples are negatives.
//
//   kPlr:     l_i = -s_i,pos + log(exp s_i,pos + sum_{j negative of i} exp s_ij), mean over all
//             anchors (one without a negative has loss 0). Without class sets: InfoNCE.
//   kFlatPlr: v_i = log sum_{j negative of i} exp(s_ij - s_i,pos), l_i = exp(v_i - constant(v_i)):
//             value 1 (NaN where v_i is not finite), the gradient of v_i (FlatNCE, Chen et al.,
//             arXiv 2107.01152); mean over the anchors that have a negative, 0 if none has. Without
//             class sets: FlatNCE.
#pragma once

#include <cstdint>

#include "kernels/context.hpp"

namespace bptplr::kernels {

/// Largest number of classes in a set. Sets are rows of 64-bit words: class c is bit c % 64 of word
/// c / 64.
inline constexpr std::int64_t kMaxSetClasses = 1024;
constexpr std::int64_t class_set_words(std::int64_t classes) {
  return (classes + 63) / 64;
}

/// Computes sets [rows, class_set_words(classes)]: for each row, the `kappa` classes with the
/// largest logits (ties: the lower class first) united with its noisy label. logits [rows, classes]
/// without NaN; labels [rows] in [0, classes); classes <= kMaxSetClasses; kappa >= 0, more than
/// `classes` means all.
template <class Context>
void class_sets(const Context& ctx, std::int64_t rows, std::int64_t classes, std::int64_t kappa,
                const float* logits, const std::int64_t* labels, std::uint64_t* sets);

enum class ContrastiveLoss { kPlr, kFlatPlr };

struct ContrastiveShape {
  std::int64_t samples = 0;  ///< n; there are 2n anchors
  std::int64_t dim = 0;      ///< length of a feature vector
  std::int64_t words = 0;    ///< words per class set; ignored without class sets
};

/// Computes value and gradient in one call, with memory linear in the number of anchors. features
/// [2n, dim], rows of unit norm; class_sets [n, words] or null; tau > 0. loss [1]; grad [2n, dim],
/// with respect to the features as given (not to their values before normalisation); negatives
/// [2n], the number of negatives of each anchor, may be null. n = 0 gives loss 0. T: float; double
/// on a CPU. A GPU supports fewer than 2^30 samples and uses at most some 10 MiB and 40 bytes per
/// anchor of scratch memory.
template <class Context, class T>
void contrastive_loss(const Context& ctx, ContrastiveLoss kind, const ContrastiveShape& shape,
                      double tau, const T* features, const std::uint64_t* class_sets, T* loss,
                      T* grad, std::int64_t* negatives);

}  // namespace bptplr::kernels
