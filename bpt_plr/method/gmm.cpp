#include "bpt_plr/method/gmm.hpp"

#include <algorithm>
#include <cmath>

#include "bpt_plr/method/ops.hpp"
#include "engine/error.hpp"
#include "engine/profile/range.hpp"
#include "engine/profile/work.hpp"
#include "engine/random.hpp"

namespace bptplr {
namespace {

void check_options(const GmmOptions& options) {
  require(options.max_iter >= 1, "the GMM needs at least one EM iteration, not {}",
          options.max_iter);
  require(options.tol >= 0.0, "the tolerance of the GMM must not be negative, but it is {}",
          options.tol);
  require(options.reg_covar >= 0.0,
          "the covariance regularisation of the GMM must not be negative, but it is {}",
          options.reg_covar);
}

void check_evidence(const Evidence& evidence, std::size_t fit) {
  if (evidence.second.defined()) {
    require(evidence.first.numel() == evidence.second.numel(),
            "network {} has {} classifier losses but {} prototype losses; both must cover the same "
            "samples",
            fit + 1, evidence.first.numel(), evidence.second.numel());
  }
  require(evidence.first.numel() > 0,
          "there is no sample to fit the GMM of network {} on; give it a training set", fit + 1);
}

/// Throws Error unless `points` of one fit are [N, 2].
void check_points(const Tensor& points) {
  require(points.shape().size() == 2 && points.size(1) == 2 && points.size(0) > 0,
          "the GMM needs two losses of each sample, [N, 2], not {}", to_string(points.shape()));
}

/// Throws Error for the first loss that is not finite.
void report_not_finite(const Tensor& points, std::size_t network) {
  const Tensor values = points.to(Device{}).to(DType::kFloat64);
  for (std::int64_t i = 0; i < values.numel(); ++i) {
    const double value = values.data<double>()[i];
    require(std::isfinite(value),
            "the {} loss of sample {} is {} (network {}): training has diverged; train again "
            "with a lower --lr",
            i % 2 == 0 ? "classifier" : "prototype", i / 2, value, network + 1);
  }
}

/// Throws Error if the fit over `points` has failed.
void check_result(const kernels::GmmResult& result, const Tensor& points, std::size_t network,
                  const GmmOptions& options) {
  if (result.status == kernels::GmmStatus::kNotFinite) report_not_finite(points, network);
  require(result.status != kernels::GmmStatus::kSingular,
          "a covariance of the GMM of network {} collapsed; raise its regularisation above {}",
          network + 1, options.reg_covar);
}

/// Returns the figures of all fits as points in the plane, one fit after the other: [N_1 + N_2 +
/// ..., 2].
Tensor to_points(std::span<const Evidence> evidence, const std::vector<std::int64_t>& offsets) {
  Tensor points =
      Tensor::empty({offsets.back(), 2}, DType::kFloat32, evidence.front().first.device());
  for (std::size_t k = 0; k < evidence.size(); ++k) {
    const Tensor& first = evidence[k].first;
    const Tensor second = evidence[k].second.defined()
                              ? evidence[k].second
                              : Tensor::zeros(first.shape(), first.dtype(), first.device());
    interleave(first, second, points.rows(offsets[k], offsets[k + 1]));
  }
  return points;
}

GmmFit to_fit(const kernels::GmmResult& result) {
  GmmFit fit;
  for (std::size_t c = 0; c < 2; ++c) {
    fit.weights[c] = result.weights[c];
    for (std::size_t a = 0; a < 2; ++a) {
      fit.means[c][a] = result.means[c][a];
      for (std::size_t b = 0; b < 2; ++b) fit.covariances[c][a][b] = result.covariances[c][a][b];
    }
  }
  fit.mean_log_likelihood = result.mean_log_likelihood;
  fit.n_iter = result.n_iter;
  fit.converged = result.converged != 0;
  fit.one_cluster = result.status == kernels::GmmStatus::kOneCluster;
  fit.clean_component = result.clean_component;
  return fit;
}

/// Draws the uniform numbers for the k-means++ of a network's fit.
void draw_uniforms(std::uint64_t seed, std::uint32_t epoch, std::uint32_t network,
                   std::vector<double>& uniforms) {
  Philox random(seed, Purpose::kGmm, epoch, network);
  for (int u = 0; u < kernels::kGmmUniforms; ++u) uniforms.push_back(random.uniform_double());
}

/// Converts the result of each part of `points`, for networks `first`, first + 1, ...
std::vector<GmmFit> to_fits(const GmmPointFits& made, const Tensor& points,
                            const std::vector<std::int64_t>& offsets, const GmmOptions& options,
                            std::size_t first) {
  const Tensor clean_here = made.clean_probability.to(Device{});
  std::vector<GmmFit> fits;
  for (std::size_t k = 0; k < made.results.size(); ++k) {
    check_result(made.results[k], points.rows(offsets[k], offsets[k + 1]), first + k, options);
    fits.push_back(to_fit(made.results[k]));
    const auto w = clean_here.rows(offsets[k], offsets[k + 1]).span<double>();
    fits.back().clean_probability.assign(w.begin(), w.end());
    fits.back().clean_on_device = made.clean_probability.rows(offsets[k], offsets[k + 1]);
  }
  return fits;
}

/// Fits mixtures to `points` from the k-means++ seeds [fits, kGmmUniforms].
std::vector<GmmFit> fit_from_uniforms(const Tensor& points,
                                      const std::vector<std::int64_t>& offsets,
                                      const GmmOptions& options, std::size_t first,
                                      const std::vector<double>& uniforms) {
  const Tensor seeds = Tensor::from(uniforms, {std::ssize(uniforms)}).to(points.device());
  return to_fits(gmm_fit_points(points, offsets, options, seeds), points, offsets, options, first);
}

}  // namespace

std::vector<GmmFit> fit_gmm(std::span<const Evidence> evidence, const GmmOptions& options,
                            std::uint64_t seed, std::uint32_t epoch) {
  check_options(options);
  if (evidence.empty()) return {};
  std::vector<std::int64_t> offsets{0};
  std::vector<double> uniforms;
  for (std::size_t k = 0; k < evidence.size(); ++k) {
    check_evidence(evidence[k], k);
    offsets.push_back(offsets.back() + evidence[k].first.numel());
    draw_uniforms(seed, epoch, static_cast<std::uint32_t>(k), uniforms);
  }
  // Counts the points read and the probabilities written; the passes in between depend on the data.
  Work work = moved(2 * offsets.back(), DType::kFloat32);
  work += moved(offsets.back(), DType::kFloat64);
  const Range range("gmm", work);
  return fit_from_uniforms(to_points(evidence, offsets), offsets, options, 0, uniforms);
}

GmmFit fit_gmm(const Tensor& losses, const GmmOptions& options, std::uint64_t seed,
               std::uint32_t epoch, std::uint32_t network) {
  check_options(options);
  check_points(losses);
  std::vector<double> uniforms;
  draw_uniforms(seed, epoch, network, uniforms);
  return fit_from_uniforms(losses, {0, losses.size(0)}, options, network, uniforms).front();
}

GmmFit fit_gmm_from_labels(const Tensor& losses, std::span<const std::uint8_t> labels,
                           const GmmOptions& options) {
  check_options(options);
  check_points(losses);
  require(std::ssize(labels) == losses.size(0),
          "the GMM got {} labels to start from for {} samples", labels.size(), losses.size(0));
  require(std::all_of(labels.begin(), labels.end(), [](std::uint8_t label) { return label <= 1; }),
          "the labels that a GMM starts from must be 0 or 1");
  const std::vector<std::int64_t> offsets{0, losses.size(0)};
  const Tensor start = Tensor::from(labels, {std::ssize(labels)}).to(losses.device());
  const GmmPointFits made = gmm_fit_points_from_labels(losses, offsets, options, start);
  return to_fits(made, losses, offsets, options, 0).front();
}

GmmFit fit_gmm_from_labels(const Evidence& evidence, std::span<const std::uint8_t> labels,
                           const GmmOptions& options) {
  check_evidence(evidence, 0);
  return fit_gmm_from_labels(to_points(std::span(&evidence, 1), {0, evidence.first.numel()}),
                             labels, options);
}

}  // namespace bptplr
