#include "kernels/gmm.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numbers>

#include "tests/kernels/support.hpp"

namespace bptplr {
namespace {

using kernels::GmmOptions;
using kernels::GmmResult;
using kernels::GmmStatus;

struct Fits {
  std::vector<GmmResult> results;
  Tensor clean;
  Tensor posteriors;
};

Fits empty_fits(std::size_t fits, std::int64_t points) {
  return {std::vector<GmmResult>(fits), Tensor::empty({points}, DType::kFloat64),
          Tensor::empty({points, 2}, DType::kFloat64)};
}

/// points [N, 2] of all data sets; the same seeds for each.
template <class T>
Fits fit(const Tensor& points, const std::vector<std::int64_t>& offsets,
         const std::vector<double>& seeds = {0.3, 0.6, 0.9}, const GmmOptions& options = {}) {
  const std::size_t fits = offsets.size() - 1;
  std::vector<double> uniforms;
  for (std::size_t k = 0; k < fits; ++k) {
    uniforms.insert(uniforms.end(), seeds.begin(), seeds.end());
  }
  Fits out = empty_fits(fits, points.size(0));
  kernels::gmm_fit(cpu_context(), options, static_cast<std::int64_t>(fits), offsets.data(),
                   points.data<T>(), uniforms.data(), out.results.data(), out.clean.data<double>(),
                   out.posteriors.data<double>());
  return out;
}

template <class T>
Fits fit_from_labels(const Tensor& points, const std::vector<std::uint8_t>& labels,
                     const GmmOptions& options = {}) {
  const std::vector<std::int64_t> offsets{0, points.size(0)};
  Fits out = empty_fits(1, points.size(0));
  kernels::gmm_fit_from_labels(cpu_context(), options, 1, offsets.data(), points.data<T>(),
                               labels.data(), out.results.data(), out.clean.data<double>(),
                               out.posteriors.data<double>());
  return out;
}

std::vector<std::uint8_t> kmeans(const Tensor& points, const std::vector<double>& seeds) {
  const std::vector<std::int64_t> offsets{0, points.size(0)};
  std::vector<std::uint8_t> labels(static_cast<std::size_t>(points.size(0)));
  kernels::kmeans_labels(cpu_context(), 1, offsets.data(), points.data<float>(), seeds.data(),
                         labels.data());
  return labels;
}

template <std::size_t N>
Tensor tensor_of(const double (&values)[N]) {
  return Tensor::from(std::span<const double>(values), {static_cast<std::int64_t>(N)});
}

Tensor means_of(const GmmResult& fit) {
  return Tensor::from(std::span<const double>(&fit.means[0][0], 4), {2, 2});
}

Tensor covariances_of(const GmmResult& fit) {
  return Tensor::from(std::span<const double>(&fit.covariances[0][0][0], 8), {2, 2, 2});
}

/// `first` points around (0.2, 0.25), the rest around (0.7, 0.6).
Tensor two_clouds(std::int64_t points, std::int64_t first, std::uint32_t stream,
                  double deviation = 0.07) {
  Tensor values = random_normal({points, 2}, stream, deviation);
  for (std::int64_t i = 0; i < points; ++i) {
    values.data<float>()[2 * i] += i < first ? 0.2F : 0.7F;
    values.data<float>()[2 * i + 1] += i < first ? 0.25F : 0.6F;
  }
  return values;
}

template <class T>
void compare_with_golden(DType dtype, double tolerance) {
  const Golden golden("gmm");
  const TensorMap all = golden.with_prefix("");
  std::set<std::string> cases;
  for (const auto& [key, tensor] : all) cases.insert(key.substr(0, key.find('/')));
  ASSERT_GE(cases.size(), 10U);
  for (const std::string& name : cases) {
    SCOPED_TRACE(name);
    const auto labels = golden[name + "/initial_labels"].span<std::int64_t>();
    const Fits out = fit_from_labels<T>(golden[name + "/x"].to(dtype),
                                        std::vector<std::uint8_t>(labels.begin(), labels.end()));
    const GmmResult& result = out.results[0];
    EXPECT_EQ(result.status, GmmStatus::kOk);
    EXPECT_LT(relative_error(tensor_of(result.weights), golden[name + "/weights"]), tolerance);
    EXPECT_LT(relative_error(means_of(result), golden[name + "/means"]), tolerance);
    EXPECT_LT(relative_error(covariances_of(result), golden[name + "/covariances"]), tolerance);
    EXPECT_LT(relative_error(out.posteriors, golden[name + "/posteriors"]), tolerance);
    EXPECT_NEAR(result.mean_log_likelihood, golden[name + "/lower_bound"].item(), 10 * tolerance);
    EXPECT_EQ(result.n_iter, golden[name + "/n_iter"].data<std::int64_t>()[0]);
    EXPECT_EQ(result.converged, golden[name + "/converged"].data<std::int64_t>()[0]);
    EXPECT_EQ(result.clean_component, golden[name + "/clean_component"].data<std::int64_t>()[0]);
    for (std::int64_t i = 0; i < out.clean.numel(); ++i) {
      ASSERT_EQ(out.clean.data<double>()[i],
                out.posteriors.data<double>()[2 * i + result.clean_component]);
    }
  }
}

TEST(Gmm, EqualsScikitLearn) {
  compare_with_golden<double>(DType::kFloat64, 1e-9);
}

/// The golden points are not float32 numbers: rounding them moves the results a little.
TEST(Gmm, EqualsScikitLearnOnRoundedPoints) {
  compare_with_golden<float>(DType::kFloat32, 1e-5);
}

TEST(Gmm, AnEMStepFromLabelsFollowsTheDefinition) {
  const Tensor points = two_clouds(301, 130, 1, 0.2);
  std::vector<std::uint8_t> labels(301);
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = i % 3 == 0 ? 1 : 0;
  const Fits out = fit_from_labels<float>(points, labels, {.max_iter = 1});
  // Responsibilities of the labels, then of their mixture; each followed by an M step, two-pass.
  std::vector<std::array<double, 2>> r(301);
  for (std::size_t i = 0; i < r.size(); ++i) r[i][labels[i]] = 1.0;
  GmmResult expected;
  double likelihood = 0;
  for (int step = 0; step < 2; ++step) {
    for (std::size_t c = 0; c < 2; ++c) {
      double weight = 0;
      double mean[2] = {};
      double covariance[2][2] = {};
      for (std::size_t i = 0; i < r.size(); ++i) {
        weight += r[i][c];
        for (std::size_t a = 0; a < 2; ++a) {
          mean[a] += r[i][c] * static_cast<double>(points.data<float>()[2 * i + a]);
        }
      }
      for (double& m : mean) m /= weight;
      for (std::size_t i = 0; i < r.size(); ++i) {
        for (std::size_t a = 0; a < 2; ++a) {
          for (std::size_t b = 0; b < 2; ++b) {
            covariance[a][b] += r[i][c] / weight *
                                (static_cast<double>(points.data<float>()[2 * i + a]) - mean[a]) *
                                (static_cast<double>(points.data<float>()[2 * i + b]) - mean[b]);
          }
        }
      }
      expected.weights[c] = weight / static_cast<double>(r.size());
      for (std::size_t a = 0; a < 2; ++a) {
        expected.means[c][a] = mean[a];
        for (std::size_t b = 0; b < 2; ++b) {
          expected.covariances[c][a][b] = covariance[a][b] + (a == b ? 5e-4 : 0.0);
        }
      }
    }
    if (step == 1) break;
    for (std::size_t i = 0; i < r.size(); ++i) {
      double density[2];
      for (std::size_t c = 0; c < 2; ++c) {
        const auto& s = expected.covariances[c];
        const double determinant = s[0][0] * s[1][1] - s[0][1] * s[1][0];
        const double x = static_cast<double>(points.data<float>()[2 * i]) - expected.means[c][0];
        const double y =
            static_cast<double>(points.data<float>()[2 * i + 1]) - expected.means[c][1];
        const double distance =
            (s[1][1] * x * x - 2.0 * s[0][1] * x * y + s[0][0] * y * y) / determinant;
        density[c] = expected.weights[c] * std::exp(-0.5 * distance) /
                     (2.0 * std::numbers::pi * std::sqrt(determinant));
      }
      for (std::size_t c = 0; c < 2; ++c) r[i][c] = density[c] / (density[0] + density[1]);
      likelihood += std::log(density[0] + density[1]) / static_cast<double>(r.size());
    }
  }
  EXPECT_LT(relative_error(tensor_of(out.results[0].weights), tensor_of(expected.weights)), 1e-10);
  EXPECT_LT(relative_error(means_of(out.results[0]), means_of(expected)), 1e-10);
  EXPECT_LT(relative_error(covariances_of(out.results[0]), covariances_of(expected)), 1e-10);
  EXPECT_NEAR(out.results[0].mean_log_likelihood, likelihood, 1e-10);
  EXPECT_EQ(out.results[0].n_iter, 1);
  EXPECT_EQ(out.results[0].converged, 0);
}

TEST(Gmm, FindsTwoCloudsFromAnySeeds) {
  const Tensor points = two_clouds(2500, 1500, 2);
  for (const double first : {0.0, 0.5, 0.9999999}) {
    for (const double second : {0.0, 0.5, 0.9999999}) {
      const Fits out = fit<float>(points, {0, 2500}, {first, second, 1.0 - second});
      const GmmResult& result = out.results[0];
      const auto clean = static_cast<std::size_t>(result.clean_component);
      EXPECT_NEAR(result.weights[clean], 0.6, 0.01);
      EXPECT_NEAR(result.means[clean][0], 0.2, 0.01);
      EXPECT_NEAR(result.means[clean][1], 0.25, 0.01);
      for (std::int64_t i = 0; i < 2500; ++i) {
        ASSERT_EQ(out.clean.data<double>()[i] > 0.5, i < 1500) << i;
      }
    }
  }
}

TEST(KMeans, LabelsAreAFixedPointOfLloyd) {
  const Tensor points = two_clouds(1777, 900, 3, 0.15);
  const auto labels = kmeans(points, {0.1, 0.7, 0.4});
  double sum[2][2] = {};
  double count[2] = {};
  for (std::size_t i = 0; i < labels.size(); ++i) {
    ++count[labels[i]];
    for (std::size_t a = 0; a < 2; ++a) {
      sum[labels[i]][a] += static_cast<double>(points.data<float>()[2 * i + a]);
    }
  }
  std::int64_t misplaced = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    double distance[2] = {};
    for (std::size_t c = 0; c < 2; ++c) {
      for (std::size_t a = 0; a < 2; ++a) {
        distance[c] += std::pow(
            static_cast<double>(points.data<float>()[2 * i + a]) - sum[c][a] / count[c], 2);
      }
    }
    misplaced += (distance[1] < distance[0] ? 1 : 0) != labels[i] ? 1 : 0;
  }
  // Iterations may end by the tolerance on the centres before the last few labels settle.
  EXPECT_LE(misplaced, 5);
}

TEST(Gmm, RepeatsFromTheLabelsOfKMeans) {
  const std::vector<double> seeds{0.2, 0.3, 0.8};
  const Tensor points = two_clouds(999, 300, 4, 0.15);
  const Fits direct = fit<float>(points, {0, 999}, seeds);
  const Fits repeated = fit_from_labels<float>(points, kmeans(points, seeds));
  EXPECT_TRUE(same_bits(direct.posteriors, repeated.posteriors));
  EXPECT_EQ(direct.results[0].mean_log_likelihood, repeated.results[0].mean_log_likelihood);
}

TEST(Gmm, ABatchIsTheFitsOneByOne) {
  const Tensor points = two_clouds(5000, 2600, 5, 0.12);
  const std::vector<std::int64_t> offsets{0, 2100, 2100, 2101, 5000};
  const Fits batch = fit<float>(points, offsets);
  EXPECT_EQ(batch.results[1].status, GmmStatus::kNoPoints);
  EXPECT_EQ(batch.results[2].status, GmmStatus::kOneCluster);
  for (std::size_t k = 0; k < 4; ++k) {
    const Fits alone =
        fit<float>(points.rows(offsets[k], offsets[k + 1]), {0, offsets[k + 1] - offsets[k]});
    EXPECT_TRUE(same_bits(batch.posteriors.rows(offsets[k], offsets[k + 1]), alone.posteriors));
    EXPECT_TRUE(same_bits(means_of(batch.results[k]), means_of(alone.results[0])));
  }
}

TEST(Gmm, NeedsNoPosteriorsOfBothComponents) {
  const Tensor points = two_clouds(100, 50, 6);
  const std::vector<std::int64_t> offsets{0, 100};
  const std::vector<double> uniforms{0.3, 0.6, 0.9};
  Tensor clean = Tensor::empty({100}, DType::kFloat64);
  GmmResult result;
  kernels::gmm_fit(cpu_context(), {}, 1, offsets.data(), points.data<float>(), uniforms.data(),
                   &result, clean.data<double>(), nullptr);
  EXPECT_TRUE(same_bits(clean, fit<float>(points, offsets).clean));
}

TEST(Gmm, OfEqualPointsIsOneCluster) {
  for (const std::int64_t n : {1, 2, 5000}) {
    const Fits out = fit<float>(Tensor::full({n, 2}, 0.375), {0, n});
    EXPECT_EQ(out.results[0].status, GmmStatus::kOneCluster);
    EXPECT_EQ(out.results[0].weights[0], 1.0);
    EXPECT_EQ(out.results[0].means[0][0], 0.375);
    EXPECT_EQ(out.results[0].means[1][1], 0.375);
    EXPECT_TRUE(same_bits(out.clean, Tensor::full({n}, 1.0, DType::kFloat64)));
    // log N(x; x, 5e-4 I), as scikit-learn's lower_bound_ is.
    EXPECT_NEAR(out.results[0].mean_log_likelihood, -std::log(2.0 * std::numbers::pi * 5e-4),
                1e-12);
  }
}

TEST(Gmm, OfTwoPointsGivesOneToEach) {
  const Fits out = fit<float>(Tensor::from<float>({0.9F, 0.8F, 0.1F, 0.0F}, {2, 2}), {0, 2});
  EXPECT_EQ(out.results[0].status, GmmStatus::kOk);
  EXPECT_LT(out.clean.data<double>()[0], 1e-6);
  EXPECT_GT(out.clean.data<double>()[1], 1.0 - 1e-6);
}

TEST(Gmm, ReportsWhatIsNotFinite) {
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    for (const std::int64_t at : {0, 77, 199}) {
      Tensor points = two_clouds(100, 60, 7);
      points.data<float>()[at] = bad;
      const Fits out = fit<float>(points, {0, 100});
      EXPECT_EQ(out.results[0].status, GmmStatus::kNotFinite);
      EXPECT_TRUE(same_bits(out.clean, Tensor::zeros({100}, DType::kFloat64)));
    }
  }
}

TEST(Gmm, ReportsACollapsedCovariance) {
  Tensor points = Tensor::zeros({10, 2});
  for (std::int64_t i = 5; i < 10; ++i) points.data<float>()[2 * i] = 1.0F;
  GmmOptions options;
  options.reg_covar = 0;
  EXPECT_EQ(fit<float>(points, {0, 10}, {0.3, 0.6, 0.9}, options).results[0].status,
            GmmStatus::kSingular);
}

TEST(Gmm, IsTheSameForAnyNumberOfThreads) {
  const Tensor points = two_clouds(30011, 20000, 8, 0.15);
  expect_same_for_any_threads([&] {
    const Fits out = fit<float>(points, {0, 10007, 30011});
    return std::vector<Tensor>{out.clean, out.posteriors, means_of(out.results[0]),
                               covariances_of(out.results[1])};
  });
}

}  // namespace
}  // namespace bptplr
