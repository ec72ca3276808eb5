// Figures of every sample of the training set: its losses, scaled to [0, 1], the distance of two
// networks from its label, and the class that a network itself predicts.
#pragma once

#include <cstdint>

#include "kernels/context.hpp"

namespace bptplr::kernels {

/// Computes losses [rows]: -log softmax(z_i)[y_i] from logits [rows, classes] and labels [rows] in
/// [0, classes).
template <class Context>
void sample_cross_entropy(const Context& ctx, std::int64_t rows, std::int64_t classes,
                          const float* logits, const std::int64_t* labels, float* losses);

/// Computes out_i = (x_i - min x) / (max x - min x); all zeros if all x are equal. Minimum and
/// maximum ignore NaN, which stays NaN. x and out [n], in place allowed.
template <class Context>
void min_max_normalize(const Context& ctx, std::int64_t n, const float* x, float* out);

/// Writes out [n, 2] = (a_i, b_i): two losses of each sample as a point in the plane.
template <class Context>
void interleave(const Context& ctx, std::int64_t n, const float* a, const float* b, float* out);

/// Computes distances [rows]: the Jensen-Shannon divergence between the mean prediction of two
/// networks and the label (UNICON, Karim et al., CVPR 2022). With
/// p = (softmax(z_1) + softmax(z_2)) / 2, y the one-hot label and m = (p + y) / 2,
///   d = KL(p || m) / 2 + KL(y || m) / 2,
///   KL(a || b) = sum_c a_c log((a_c + 1e-10) / (b_c + 1e-10)),
/// times `inverse_log_base`: 1 for nats, where d is in [0, log 2], 1 / log 2 for bits, in [0, 1].
/// Logits [rows, classes] of either network, labels [rows] in [0, classes).
template <class Context>
void sample_jensen_shannon(const Context& ctx, std::int64_t rows, std::int64_t classes,
                           const float* logits_1, const float* logits_2, const std::int64_t* labels,
                           double inverse_log_base, float* distances);

/// Computes labels [rows]: c = argmax_c of (softmax(s_i) + softmax(z_i)) / 2 if this maximum
/// exceeds `threshold`, else argmax_c z_ic; of equal values the lower class. Maximum and threshold
/// are compared as float32, as the published script does. Prototype logits s and classifier logits
/// z [rows, classes].
template <class Context>
void pseudo_labels(const Context& ctx, std::int64_t rows, std::int64_t classes, double threshold,
                   const float* prototype_logits, const float* logits, std::int64_t* labels);

}  // namespace bptplr::kernels
