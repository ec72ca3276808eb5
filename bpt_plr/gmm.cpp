#include "bpt_plr/gmm.hpp"

#include <cmath>

#include "engine/dispatch.hpp"
#include "engine/random.hpp"
#include "kernels/sample_losses.hpp"

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

void check_losses(const SampleLosses& losses, std::size_t fit) {
  require(losses.classifier.numel() == losses.prototype.numel(),
          "network {} has {} classifier losses but {} prototype losses; both must cover the same "
          "samples",
          fit + 1, losses.classifier.numel(), losses.prototype.numel());
  require(losses.classifier.numel() > 0,
          "there is no sample to fit the GMM of network {} on; give it a training set", fit + 1);
}

/// Throws the error for the first loss that is not finite.
void report_not_finite(const Tensor& losses, const char* name, std::size_t fit) {
  const Tensor values = losses.to(Device{});
  for (std::int64_t i = 0; i < values.numel(); ++i) {
    const float value = values.data<float>()[i];
    require(std::isfinite(value),
            "the {} loss of sample {} is {} (network {}): training has diverged; resume from an "
            "earlier checkpoint with a lower learning rate",
            name, i, value, fit + 1);
  }
}

/// Throws where a fit has failed.
void check_result(const kernels::GmmResult& result, const SampleLosses& losses, std::size_t fit,
                  const GmmOptions& options) {
  if (result.status == kernels::GmmStatus::kNotFinite) {
    report_not_finite(losses.classifier, "classifier", fit);
    report_not_finite(losses.prototype, "prototype", fit);
  }
  require(result.status != kernels::GmmStatus::kSingular,
          "a covariance of the GMM of network {} collapsed; raise its regularisation above {}",
          fit + 1, options.reg_covar);
}

/// The losses of all fits as points in the plane, one fit after the other: [N_1 + N_2 + ..., 2].
Tensor to_points(std::span<const SampleLosses> losses, const std::vector<std::int64_t>& offsets) {
  Tensor points =
      Tensor::empty({offsets.back(), 2}, DType::kFloat32, losses.front().classifier.device());
  for (std::size_t k = 0; k < losses.size(); ++k) {
    Tensor rows = points.rows(offsets[k], offsets[k + 1]);
    dispatch_float32(points, [&](const auto& ctx) {
      kernels::interleave(ctx, rows.size(0), losses[k].classifier.data<float>(),
                          losses[k].prototype.data<float>(), rows.data<float>());
    });
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

}  // namespace

std::vector<GmmFit> fit_gmm(std::span<const SampleLosses> losses, const GmmOptions& options,
                            std::uint64_t seed, std::uint32_t epoch) {
  check_options(options);
  if (losses.empty()) return {};
  std::vector<std::int64_t> offsets{0};
  std::vector<double> uniforms;
  for (std::size_t k = 0; k < losses.size(); ++k) {
    check_losses(losses[k], k);
    offsets.push_back(offsets.back() + losses[k].classifier.numel());
    Philox random(seed, Purpose::kGmm, epoch, static_cast<std::uint32_t>(k));
    for (int u = 0; u < kernels::kGmmUniforms; ++u) uniforms.push_back(random.uniform_double());
  }

  const Tensor points = to_points(losses, offsets);
  const Device device = points.device();
  const Tensor seeds = Tensor::from(uniforms, {std::ssize(uniforms)}).to(device);
  std::vector<kernels::GmmResult> results(losses.size());
  const auto result_bytes = static_cast<std::int64_t>(std::span(results).size_bytes());
  Tensor raw_results = Tensor::empty({result_bytes}, DType::kUint8, device);
  Tensor clean = Tensor::empty({offsets.back()}, DType::kFloat64, device);
  dispatch_float32(points, [&](const auto& ctx) {
    kernels::gmm_fit(ctx, options, std::ssize(losses), offsets.data(), points.data<float>(),
                     seeds.data<double>(), static_cast<kernels::GmmResult*>(raw_results.raw()),
                     clean.data<double>(), nullptr);
  });
  copy_bytes(Device{}, results.data(), device, raw_results.raw(), std::span(results).size_bytes());
  const Tensor clean_here = clean.to(Device{});

  std::vector<GmmFit> fits;
  for (std::size_t k = 0; k < losses.size(); ++k) {
    check_result(results[k], losses[k], k, options);
    fits.push_back(to_fit(results[k]));
    const double* w = clean_here.data<double>();
    fits.back().clean_probability.assign(w + offsets[k], w + offsets[k + 1]);
    fits.back().clean_on_device = clean.rows(offsets[k], offsets[k + 1]);
  }
  return fits;
}

}  // namespace bptplr
