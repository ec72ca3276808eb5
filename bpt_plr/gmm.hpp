// Step 2 of an epoch: a Gaussian mixture over the two losses of every sample tells clean from wrong
// labels (PLReMix, arXiv 2402.17589, section 3.3; in one dimension Arazo et al., ICML 2019).
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/tensor.hpp"
#include "kernels/gmm.hpp"

namespace bptplr {

using kernels::GmmOptions;

/// The losses of the N samples of one fit, both scaled to [0, 1].
struct SampleLosses {
  Tensor classifier;  ///< [N]
  Tensor prototype;   ///< [N]
};

struct GmmFit {
  std::array<double, 2> weights{};
  std::array<std::array<double, 2>, 2> means{};  ///< (classifier, prototype)
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

/// One mixture for each element of `losses`, fitted on the device that these are on, all in one
/// call; the k-means++ seeds of fit k are drawn from the stream
/// (seed, Purpose::kGmm, epoch, k). Throws Error for a loss that is not finite, naming the sample,
/// for a fit without samples, and for options out of range.
std::vector<GmmFit> fit_gmm(std::span<const SampleLosses> losses, const GmmOptions& options,
                            std::uint64_t seed, std::uint32_t epoch);

/// One mixture over `losses` [N, 2], float32 or, on the CPU, float64: what fit_gmm above gives for
/// element `network` of losses of which these are the columns. Throws Error alike.
GmmFit fit_gmm(const Tensor& losses, const GmmOptions& options, std::uint64_t seed,
               std::uint32_t epoch, std::uint32_t network);

/// The same from given labels [N], 0 or 1, in place of those that k-means finds: component c begins
/// as the samples with label c. Throws Error for another label, too.
GmmFit fit_gmm_from_labels(const Tensor& losses, std::span<const std::uint8_t> labels,
                           const GmmOptions& options);

}  // namespace bptplr
