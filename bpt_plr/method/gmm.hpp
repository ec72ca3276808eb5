// Step 2 of an epoch: a Gaussian mixture over the figures of every sample tells clean from wrong
// labels (PLReMix, arXiv 2402.17589, section 3.3; in one dimension DivideMix, ICLR 2020).
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "bpt_plr/method/evidence.hpp"
#include "engine/tensor.hpp"
#include "kernels/gmm.hpp"

namespace bptplr {

using kernels::GmmOptions;

struct GmmFit {
  std::array<double, 2> weights{};
  std::array<std::array<double, 2>, 2> means{};  ///< (first, second figure)
  std::array<std::array<std::array<double, 2>, 2>, 2> covariances{};
  double mean_log_likelihood = 0;  ///< of the last E step
  std::int64_t n_iter = 0;
  bool converged = false;
  /// All samples have the same losses, so nothing can be told apart: every sample counts as clean.
  bool one_cluster = false;
  int clean_component = 0;                ///< the one whose mean is nearer to the origin
  std::vector<double> clean_probability;  ///< [N] its posterior, w_i
  Tensor clean_on_device;                 ///< the same, where the losses are
};

/// One mixture for each element of `evidence`, fitted on the device that these are on, all in one
/// call; the k-means++ seeds of fit k are drawn from the stream (seed, Purpose::kGmm, epoch, k).
/// Evidence of one figure is a point on a line of the plane: both components have the mean 0 and
/// the variance reg_covar across it, so that the probabilities are those of a mixture in one
/// dimension. Throws Error for a figure that is not finite, naming the sample, for a fit without
/// samples, and for options out of range.
std::vector<GmmFit> fit_gmm(std::span<const Evidence> evidence, const GmmOptions& options,
                            std::uint64_t seed, std::uint32_t epoch);

/// One mixture over `losses` [N, 2], float32 or, on the CPU, float64: what fit_gmm above gives for
/// element `network` of losses of which these are the columns. Throws Error alike.
GmmFit fit_gmm(const Tensor& losses, const GmmOptions& options, std::uint64_t seed,
               std::uint32_t epoch, std::uint32_t network);

/// The same from given labels [N], 0 or 1, in place of those that k-means finds: component c begins
/// as the samples with label c. Throws Error for another label, too.
GmmFit fit_gmm_from_labels(const Tensor& losses, std::span<const std::uint8_t> labels,
                           const GmmOptions& options);
/// The same over evidence, as fit_gmm takes it.
GmmFit fit_gmm_from_labels(const Evidence& evidence, std::span<const std::uint8_t> labels,
                           const GmmOptions& options);

}  // namespace bptplr
