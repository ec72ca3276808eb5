#include "bpt_plr/gmm.hpp"

#include <cmath>

#include "engine/error.hpp"
#include "engine/memory.hpp"
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

void check_finite(std::span<const float> losses, const char* name, std::size_t fit) {
  for (std::size_t i = 0; i < losses.size(); ++i) {
    require(std::isfinite(losses[i]),
            "the {} loss of sample {} is {} (network {}): training has diverged; resume from an "
            "earlier checkpoint with a lower learning rate",
            name, i, losses[i], fit + 1);
  }
}

void check_losses(const SampleLosses& losses, std::size_t fit) {
  require(losses.classifier.size() == losses.prototype.size(),
          "network {} has {} classifier losses but {} prototype losses; both must cover the same "
          "samples",
          fit + 1, losses.classifier.size(), losses.prototype.size());
  require(!losses.classifier.empty(),
          "there is no sample to fit the GMM of network {} on; give it a training set", fit + 1);
  check_finite(losses.classifier, "classifier", fit);
  check_finite(losses.prototype, "prototype", fit);
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
  std::vector<float> points;
  std::vector<std::int64_t> offsets{0};
  std::vector<double> uniforms;
  for (std::size_t k = 0; k < losses.size(); ++k) {
    check_losses(losses[k], k);
    for (std::size_t i = 0; i < losses[k].classifier.size(); ++i) {
      points.push_back(losses[k].classifier[i]);
      points.push_back(losses[k].prototype[i]);
    }
    offsets.push_back(static_cast<std::int64_t>(points.size() / 2));
    Philox random(seed, Purpose::kGmm, epoch, static_cast<std::uint32_t>(k));
    for (int u = 0; u < kernels::kGmmUniforms; ++u) uniforms.push_back(random.uniform_double());
  }

  std::vector<kernels::GmmResult> results(losses.size());
  std::vector<double> clean(points.size() / 2);
  kernels::gmm_fit(cpu_context(), options, static_cast<std::int64_t>(losses.size()), offsets.data(),
                   points.data(), uniforms.data(), results.data(), clean.data(), nullptr);

  std::vector<GmmFit> fits;
  for (std::size_t k = 0; k < losses.size(); ++k) {
    require(results[k].status != kernels::GmmStatus::kSingular,
            "a covariance of the GMM of network {} collapsed; raise its regularisation above {}",
            k + 1, options.reg_covar);
    fits.push_back(to_fit(results[k]));
    fits.back().clean_probability.assign(clean.begin() + offsets[k],
                                         clean.begin() + offsets[k + 1]);
  }
  return fits;
}

}  // namespace bptplr
