// What every sample of the training set is judged by: its losses, scaled to [0, 1], how far two
// networks are from its label, and the class that a network itself would give it.
#pragma once

#include <cstdint>

#include "kernels/context.hpp"

namespace bptplr::kernels {

/// losses [rows]: -log softmax(z_i)[y_i] from logits [rows, classes] and labels [rows] in
/// [0, classes).
template <class Context>
void sample_cross_entropy(const Context& ctx, std::int64_t rows, std::int64_t classes,
                          const float* logits, const std::int64_t* labels, float* losses);

/// out_i = (x_i - min x) / (max x - min x); all zeros when all x are equal. A NaN takes no part in
/// minimum and maximum and stays NaN. x and out [n], in place allowed.
template <class Context>
void min_max_normalize(const Context& ctx, std::int64_t n, const float* x, float* out);

/// out [n, 2] = (a_i, b_i): two losses of each sample as a point in the plane.
template <class Context>
void interleave(const Context& ctx, std::int64_t n, const float* a, const float* b, float* out);

/// distances [rows]: the Jensen-Shannon divergence between what two networks make of a sample and
/// its label (UNICON, Karim et al., CVPR 2022). With p = (softmax(z_1) + softmax(z_2)) / 2, y the
/// one-hot label and m = (p + y) / 2,
///   d = KL(p || m) / 2 + KL(y || m) / 2,  KL(a || b) = sum_c a_c log((a_c + 1e-10) / (b_c +
///   1e-10)),
/// times `inverse_log_base`: 1 for nats, where d is in [0, log 2], 1 / log 2 for bits, in [0, 1].
/// Logits [rows, classes] of either network, labels [rows] in [0, classes).
template <class Context>
void sample_jensen_shannon(const Context& ctx, std::int64_t rows, std::int64_t classes,
                           const float* logits_1, const float* logits_2, const std::int64_t* labels,
                           double inverse_log_base, float* distances);

/// labels [rows]: c = argmax_c of (softmax(s_i) + softmax(z_i)) / 2 where this maximum exceeds
/// `threshold`, else argmax_c z_ic; of equal values the lower class.
/// Prototype logits s and classifier logits z [rows, classes].
template <class Context>
void pseudo_labels(const Context& ctx, std::int64_t rows, std::int64_t classes, double threshold,
                   const float* prototype_logits, const float* logits, std::int64_t* labels);

}  // namespace bptplr::kernels
