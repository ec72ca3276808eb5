// Step 2 of an epoch: a Gaussian mixture over the figures of every sample separates clean from
// wrong labels (PLReMix, arXiv 2402.17589, section 3.3; in one dimension DivideMix, ICLR 2020).
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
  /// Whether all samples have the same losses and cannot be separated: every sample counts as
  /// clean.
  bool one_cluster = false;
  int clean_component = 0;                ///< the one whose mean is nearer to the origin
  std::vector<double> clean_probability;  ///< [N] its posterior, w_i
  Tensor clean_on_device;                 ///< clean_probability on the device of the losses
};

/// Fits a mixture to each element of `evidence`, on its device, all in one call; the k-means++
/// seeds of fit k come from the stream (seed, Purpose::kGmm, epoch, k). Evidence of one figure is a
/// point on a line of the plane: across it both components have mean 0 and variance reg_covar, so
/// the probabilities are those of a mixture in one dimension. Throws Error for a figure that is not
/// finite, naming the sample, for a fit without samples, and for options out of range.
std::vector<GmmFit> fit_gmm(std::span<const Evidence> evidence, const GmmOptions& options,
                            std::uint64_t seed, std::uint32_t epoch);

/// Fits a mixture to `losses` [N, 2], float32 or, on the CPU, float64; the result is that of
/// element `network` of evidence with these columns. Throws Error as the fit of several does.
GmmFit fit_gmm(const Tensor& losses, const GmmOptions& options, std::uint64_t seed,
               std::uint32_t epoch, std::uint32_t network);

/// Fits a mixture from labels [N], 0 or 1, instead of those of k-means: component c starts as the
/// samples with label c. Throws Error as fit_gmm does and for any other label.
GmmFit fit_gmm_from_labels(const Tensor& losses, std::span<const std::uint8_t> labels,
                           const GmmOptions& options);
/// Fits a mixture to evidence (see fit_gmm) from labels [N], 0 or 1, instead of those of k-means.
GmmFit fit_gmm_from_labels(const Evidence& evidence, std::span<const std::uint8_t> labels,
                           const GmmOptions& options);

}  // namespace bptplr
