// Operations of the method on tensors: the only place in bpt_plr/ where tensors are bound to
// kernels (kernels/README.md describes each and its source). Differentiable ones are in
// ops_losses.cpp, the others in ops.cpp. All tensors of a call are on one device, and so are the
// results.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/tensor.hpp"
#include "kernels/gmm.hpp"
#include "kernels/partition.hpp"
#include "kernels/plr.hpp"

namespace bptplr {

// --- losses, differentiable with respect to logits or features --------------------------------

/// Bit sets of classes, one row per sample (kernels/plr.hpp).
struct ClassSets {
  std::int64_t words = 0;
  Tensor bits;  ///< [samples, words], int64 as there is no unsigned type

  const std::uint64_t* data() const {
    return reinterpret_cast<const std::uint64_t*>(bits.data<std::int64_t>());
  }
};

/// Weighted sum of L_X, L_U and R of a batch of logits.
struct SemiSupervisedLoss {
  Tensor loss;   ///< [1], differentiable
  Tensor terms;  ///< [3]: L_X, L_U, R
};
/// Returns the loss of logits and targets [labelled + unlabelled, classes], labelled rows first;
/// coefficients: float64 [3], of L_X, L_U and R.
SemiSupervisedLoss semi_supervised_loss(const Tensor& logits, const Tensor& targets,
                                        std::int64_t labelled, const Tensor& coefficients);

/// Returns mean_i sum_c p log p of logits [n, classes] -> [1].
Tensor negative_entropy(const Tensor& logits);

/// Returns mean_i (1 - p_i(y_i)^q) / q of logits [n, classes] and int64 labels [n] -> [1]; q in (0,
/// 1]. A GPU does not check that labels are classes.
Tensor generalized_cross_entropy(const Tensor& logits, const Tensor& labels, double q);

/// Returns PLR of features [2n, dim] with class sets, or InfoNCE / FlatNCE without (sets = nullptr)
/// -> [1].
Tensor contrastive_loss(const Tensor& features, const ClassSets* sets,
                        kernels::ContrastiveLoss kind, double tau);

// --- a batch -----------------------------------------------------------------------------------

/// Returns the top `kappa` classes of logits [n, classes] united with the labels, int64 [n].
ClassSets make_class_sets(const Tensor& logits, const Tensor& labels, std::int64_t kappa);

/// Returns soft targets [n, classes] of unlabelled samples from the logits [2n, classes] of two
/// networks for two weak views, one after the other (kernels/targets.hpp).
Tensor co_guess(const Tensor& own, const Tensor& other, double temperature);

/// Returns soft targets [n, classes] of labelled samples from the logits [2n, classes] of two weak
/// views, the labels, int64 [n], and the probabilities that these are clean, float32 [n].
Tensor co_refine(const Tensor& own, const Tensor& labels, const Tensor& clean_probability,
                 double temperature);

/// Mixes the rows of a batch, images or soft labels (MixUp, Zhang et al., ICLR 2018): out = l a +
/// (1 - l) b[partner] with l = weight, float64 [1]; a and out [n, ...], not overlapping; b may be
/// a; partner int64 [n].
void mix_rows(const Tensor& a, const Tensor& b, const Tensor& partner, const Tensor& weight,
              Tensor out);

// --- the training set, between epochs ----------------------------------------------------------

/// Returns the cross-entropy of logits [n, classes] and labels, int64 [n], scaled to [0, 1] over
/// the samples: float32 [n].
Tensor normalized_cross_entropy(const Tensor& logits, const Tensor& labels);

/// Returns the Jensen-Shannon divergence between the mean prediction of two networks and the label,
/// times `inverse_log_base` (kernels/sample_losses.hpp): float32 [n].
Tensor jensen_shannon_distance(const Tensor& first_logits, const Tensor& second_logits,
                               const Tensor& labels, double inverse_log_base);

/// Writes out [n, 2] = columns (first, second), float32 [n] each.
void interleave(const Tensor& first, const Tensor& second, Tensor out);

/// Results of Gaussian mixtures over consecutive rows of one array of points (kernels/gmm.hpp).
struct GmmPointFits {
  std::vector<kernels::GmmResult> results;
  Tensor clean_probability;  ///< float64 [n], the posterior of the clean component
};
/// Fits a mixture to rows offsets[k] to offsets[k + 1] of points [n, 2] for every k; uniforms:
/// float64 [fits * kernels::kGmmUniforms].
GmmPointFits gmm_fit_points(const Tensor& points, std::span<const std::int64_t> offsets,
                            const kernels::GmmOptions& options, const Tensor& uniforms);
/// Fits mixtures from labels, uint8 [n] of 0 and 1, instead of those of k-means.
GmmPointFits gmm_fit_points_from_labels(const Tensor& points, std::span<const std::int64_t> offsets,
                                        const kernels::GmmOptions& options, const Tensor& labels);

/// Result of the balanced partition (kernels/partition.hpp): labelled samples, then unlabelled
/// ones.
struct PartitionedSamples {
  Tensor samples;  ///< int64 [n]
  kernels::PartitionSizes sizes;
};
/// Partitions samples by clean_probability float64 [n] in [0, 1] and labels int64 [n] in [0,
/// classes). Waits for a GPU.
PartitionedSamples partition_samples(const Tensor& clean_probability, const Tensor& labels,
                                     std::int64_t classes, double threshold);

/// Returns argmax_c of the mean of softmax(prototype_logits) and softmax(logits) where its maximum
/// exceeds `threshold`, else argmax_c of the logits: int64 [n] from [n, classes].
Tensor pseudo_labels(const Tensor& prototype_logits, const Tensor& logits, double threshold);

/// Sets P_c = normalize(mean of q over the samples with label c); labels int64 [n], -1 for none.
void class_means(const Tensor& projection, const Tensor& labels, Tensor& prototypes);

/// Updates P_c <- normalize(momentum P_c + (1 - momentum) normalize(mean of the q of class c)),
/// with the classes int64 [n] of PseudoLabels::choose, -1 for none. Classes without samples keep
/// their prototype.
void update_prototypes(const Tensor& projection, const Tensor& classes, double momentum,
                       Tensor& prototypes);

}  // namespace bptplr
