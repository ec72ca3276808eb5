#include "bpt_plr/method/gmm.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "engine/error.hpp"
#include "engine/random.hpp"
#include "tests/message_of.hpp"

namespace bptplr {
namespace {

Tensor to_tensor(const std::vector<float>& values) {
  return Tensor::from(values, {std::ssize(values)});
}

/// Losses of 600 samples, the first 400 of them small.
struct Network {
  std::vector<float> classifier = std::vector<float>(600);
  std::vector<float> prototype = std::vector<float>(600);

  explicit Network(std::uint32_t stream) {
    Philox random(2, Purpose::kTest, 0, stream);
    for (std::size_t i = 0; i < classifier.size(); ++i) {
      const double center = i < 400 ? 0.15 : 0.7;
      classifier[i] = static_cast<float>(center + 0.06 * random.normal());
      prototype[i] = static_cast<float>(center + 0.06 * random.normal());
    }
  }
  Evidence losses() const { return {to_tensor(classifier), to_tensor(prototype)}; }
};

std::string error_of(const Evidence& second, const GmmOptions& options = {}) {
  const Network first(1);
  const std::vector<Evidence> losses{first.losses(), second};
  return message_of([&] { fit_gmm(losses, options, 1, 0); });
}

TEST(FitGmm, OneFigureIsAMixtureInOneDimension) {
  const Network a(1);
  const Evidence one{a.losses().first, {}};
  const GmmFit fit = fit_gmm(std::vector{one}, {}, 7, 12)[0];
  for (std::size_t i = 0; i < 600; ++i) EXPECT_EQ(fit.clean_probability[i] > 0.5, i < 400) << i;
  const auto clean = static_cast<std::size_t>(fit.clean_component);
  EXPECT_EQ(fit.means[clean][1], 0.0);
  EXPECT_NEAR(fit.covariances[clean][1][1], GmmOptions().reg_covar, 1e-12);
  EXPECT_EQ(fit.covariances[clean][0][1], 0.0);
}

TEST(FitGmm, TellsSmallLossesFromLargeOnesInBothNetworks) {
  const Network a(1);
  const Network b(2);
  const std::vector<Evidence> losses{a.losses(), b.losses()};
  const std::vector<GmmFit> fits = fit_gmm(losses, {}, 7, 12);
  ASSERT_EQ(fits.size(), 2U);
  for (const GmmFit& fit : fits) {
    ASSERT_EQ(fit.clean_probability.size(), 600U);
    for (std::size_t i = 0; i < 600; ++i) EXPECT_EQ(fit.clean_probability[i] > 0.5, i < 400) << i;
    const auto clean = static_cast<std::size_t>(fit.clean_component);
    EXPECT_NEAR(fit.means[clean][0], 0.15, 0.01);
    EXPECT_NEAR(fit.weights[clean], 2.0 / 3.0, 0.01);
    EXPECT_NEAR(fit.covariances[clean][0][0], 0.06 * 0.06 + 5e-4, 1e-3);
    EXPECT_TRUE(fit.converged);
    EXPECT_FALSE(fit.one_cluster);
  }
  EXPECT_NE(fits[0].clean_probability, fits[1].clean_probability);
}

TEST(FitGmm, RepeatsForTheSameSeed) {
  const Network a(3);
  const std::vector<Evidence> losses{a.losses()};
  EXPECT_EQ(fit_gmm(losses, {}, 7, 12)[0].clean_probability,
            fit_gmm(losses, {}, 7, 12)[0].clean_probability);
}

/// Both losses of each sample side by side.
template <class T>
Tensor columns(const Network& network) {
  std::vector<T> points;
  for (std::size_t i = 0; i < network.classifier.size(); ++i) {
    points.push_back(network.classifier[i]);
    points.push_back(network.prototype[i]);
  }
  return Tensor::from(points, {std::ssize(network.classifier), 2});
}

TEST(FitGmm, ColumnsOfOneTensorGiveTheSameFit) {
  const Network a(1);
  const Network b(2);
  const std::vector<Evidence> losses{a.losses(), b.losses()};
  const auto expected = fit_gmm(losses, {}, 7, 12);
  EXPECT_EQ(fit_gmm(columns<float>(a), {}, 7, 12, 0).clean_probability,
            expected[0].clean_probability);
  EXPECT_EQ(fit_gmm(columns<float>(b), {}, 7, 12, 1).clean_probability,
            expected[1].clean_probability);
  // The same numbers in double precision.
  EXPECT_EQ(fit_gmm(columns<double>(b), {}, 7, 12, 1).clean_probability,
            expected[1].clean_probability);
  EXPECT_THROW(fit_gmm(to_tensor(b.classifier), {}, 7, 12, 1), Error);
  EXPECT_THROW(fit_gmm(Tensor::zeros({0, 2}), {}, 7, 12, 1), Error);
}

TEST(FitGmm, StartsFromLabels) {
  const Network a(1);
  std::vector<std::uint8_t> labels(600, 0);
  for (std::size_t i = 0; i < 400; ++i) labels[i] = 1;
  const GmmFit fit = fit_gmm_from_labels(columns<double>(a), labels, {});
  EXPECT_EQ(fit.clean_component, 1);
  EXPECT_EQ(fit.clean_probability, fit_gmm(columns<double>(a), {}, 7, 12, 0).clean_probability);
  labels[3] = 2;
  EXPECT_THROW(fit_gmm_from_labels(columns<double>(a), labels, {}), Error);
  labels.resize(599);
  EXPECT_THROW(fit_gmm_from_labels(columns<double>(a), labels, {}), Error);
}

TEST(FitGmm, EqualLossesCountAsClean) {
  const Tensor zeros = Tensor::zeros({10});
  const std::vector<Evidence> losses{{zeros, zeros}};
  const GmmFit fit = fit_gmm(losses, {}, 1, 0)[0];
  EXPECT_TRUE(fit.one_cluster);
  EXPECT_EQ(fit.clean_probability, std::vector<double>(10, 1.0));
}

TEST(FitGmm, NamesTheSampleWhoseLossIsNotFinite) {
  Network b(2);
  b.prototype[123] = std::numeric_limits<float>::quiet_NaN();
  const std::string message = error_of(b.losses());
  EXPECT_NE(message.find("prototype loss of sample 123 is nan (network 2)"), std::string::npos)
      << message;
  b = Network(2);
  b.classifier[599] = std::numeric_limits<float>::infinity();
  EXPECT_NE(error_of(b.losses()).find("classifier loss of sample 599 is inf"), std::string::npos);
}

TEST(FitGmm, RefusesWhatItCannotFit) {
  const Network b(2);
  const Tensor all = b.losses().first;
  const Tensor none = Tensor::zeros({0});
  EXPECT_NE(error_of({none, none}).find("no sample"), std::string::npos);
  EXPECT_NE(error_of({all, all.rows(0, 3)}).find("600 classifier losses but 3"), std::string::npos);
  EXPECT_NE(error_of(b.losses(), {.max_iter = 0}).find("EM iteration"), std::string::npos);
  EXPECT_NE(error_of(b.losses(), {.tol = -1}).find("tolerance"), std::string::npos);
  EXPECT_NE(error_of(b.losses(), {.reg_covar = -1}).find("regularisation"), std::string::npos);
  const Tensor line = to_tensor({0, 0, 0, 1, 1, 1});
  EXPECT_NE(error_of({line, line}, {.reg_covar = 0}).find("collapsed"), std::string::npos);
}

}  // namespace
}  // namespace bptplr
