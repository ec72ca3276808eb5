// Gaussian mixtures of two components with full covariance over points in the plane, for several
// data sets in one call. They separate samples with a small loss under both the classifier and the
// prototypes.
//
// The semantics are those of scikit-learn 1.2: k-means labels (greedy k-means++ with two local
// trials, Lloyd iterations until no label changes or the centres move by less than 1e-4 of the mean
// variance, 300 at most) give the first parameters; then E and M steps alternate until the mean
// log-likelihood measured by two successive E steps differs by less than `tol`. All sums are
// double. Component 0 is the one that k-means seeded first.
//
// A GPU adds centres, moments and posteriors in another order than a CPU: if a k-means++ threshold
// or the distances to both centres agree to the last digits, a fit can start from other labels.
// `offsets` is host memory for either device, and is read before the call returns.
#pragma once

#include <cstdint>

#include "kernels/context.hpp"

namespace bptplr::kernels {

struct GmmOptions {
  std::int64_t max_iter = 10;  ///< maximum number of EM iterations
  double tol = 1e-2;           ///< EM ends when the mean log-likelihood changes by less
  double reg_covar = 5e-4;     ///< added to the diagonal of both covariances
};

enum class GmmStatus : std::int32_t {
  kOk = 0,
  kNoPoints,    ///< an empty data set: everything is 0
  kOneCluster,  ///< all points are equal: component 0 has weight 1, all posteriors are 1; the
                ///< log-likelihood is infinite if reg_covar is 0
  kNotFinite,   ///< a coordinate is NaN or infinite: everything is 0
  kSingular,    ///< a covariance collapsed (only with reg_covar near 0): everything is 0
};

struct GmmResult {
  double weights[2] = {};
  double means[2][2] = {};
  double covariances[2][2][2] = {};
  double mean_log_likelihood = 0;  ///< of the last E step, hence before the last M step; of one
                                   ///< cluster, under its parameters
  std::int64_t n_iter = 0;
  GmmStatus status = GmmStatus::kOk;
  std::int32_t converged = 0;
  std::int32_t clean_component = 0;  ///< component with the smaller ||mean||^2, 0 when equal
};

/// Number of uniform numbers for k-means++: the first centre and two trials for the second one.
inline constexpr std::int64_t kGmmUniforms = 3;

/// Fits data set k = rows offsets[k] to offsets[k + 1] of `points`, k in [0, fits).
/// points [offsets[fits], 2], float or, on a CPU, double; uniforms [fits, kGmmUniforms] in [0, 1).
/// results [fits]; clean_posterior [offsets[fits]], the posterior of the clean component under the
/// final parameters; posteriors [offsets[fits], 2] of both components, may be null.
template <class Context, class T>
void gmm_fit(const Context& ctx, const GmmOptions& options, std::int64_t fits,
             const std::int64_t* offsets, const T* points, const double* uniforms,
             GmmResult* results, double* clean_posterior, double* posteriors);

/// Fits as gmm_fit does, from labels [offsets[fits]], 0 or 1, instead of those of k-means; a fit
/// can be repeated to the bit from its labels.
template <class Context, class T>
void gmm_fit_from_labels(const Context& ctx, const GmmOptions& options, std::int64_t fits,
                         const std::int64_t* offsets, const T* points, const std::uint8_t* labels,
                         GmmResult* results, double* clean_posterior, double* posteriors);

/// Computes labels [offsets[fits]], 0 or 1, of the k-means that gmm_fit starts from. A data set
/// without two different finite points gets zeros.
template <class Context, class T>
void kmeans_labels(const Context& ctx, std::int64_t fits, const std::int64_t* offsets,
                   const T* points, const double* uniforms, std::uint8_t* labels);

}  // namespace bptplr::kernels
