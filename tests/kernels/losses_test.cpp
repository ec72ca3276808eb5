#include "kernels/losses.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <span>
#include <vector>

#include "tests/kernels/support.hpp"

namespace bptplr {
namespace {

using kernels::SemiSupervisedCoefficients;

struct Loss {
  Tensor value;
  Tensor terms;
  Tensor grad;
};

template <class T>
Loss semi_supervised(const Tensor& logits, const Tensor& targets, std::int64_t labelled,
                     const SemiSupervisedCoefficients& coefficients) {
  Loss out{Tensor::empty({1}, logits.dtype()), Tensor::empty({3}, logits.dtype()),
           Tensor::empty(logits.shape(), logits.dtype())};
  kernels::semi_supervised_loss(cpu_context(),
                                {labelled, logits.size(0) - labelled, logits.size(1)},
                                &coefficients, logits.data<T>(), targets.data<T>(),
                                out.value.data<T>(), out.terms.data<T>(), out.grad.data<T>());
  return out;
}

template <class T>
Loss negative_entropy(const Tensor& logits) {
  Loss out{Tensor::empty({1}, logits.dtype()), Tensor(),
           Tensor::empty(logits.shape(), logits.dtype())};
  kernels::negative_entropy(cpu_context(), logits.size(0), logits.size(1), logits.data<T>(),
                            out.value.data<T>(), out.grad.data<T>());
  return out;
}

template <class T>
Loss generalized_cross_entropy(const Tensor& logits, std::span<const std::int64_t> labels,
                               double q) {
  Loss out{Tensor::empty({1}, logits.dtype()), Tensor(),
           Tensor::empty(logits.shape(), logits.dtype())};
  kernels::generalized_cross_entropy(cpu_context(), logits.size(0), logits.size(1), q,
                                     logits.data<T>(), labels.data(), out.value.data<T>(),
                                     out.grad.data<T>());
  return out;
}

/// Compares compute(key) with every golden case of `loss`.
template <class Fn>
void compare_with_golden(const std::string& loss, Fn&& compute,
                         const std::string& file = "losses") {
  const Golden golden(file);
  ASSERT_FALSE(golden.cases(loss).empty());
  for (const std::string& name : golden.cases(loss)) {
    const std::string key = fmt::format("{}/{}/", loss, name);
    SCOPED_TRACE(key);
    const Loss out = compute(golden, key);
    EXPECT_LT(relative_error(out.value, golden[key + "value"]), 1e-5);
    EXPECT_LT(relative_error(out.grad, golden[key + "dlogits"]), 1e-5);
  }
}

TEST(SemiSupervisedLoss, LabelledTermEqualsPyTorch) {
  compare_with_golden("soft_ce", [](const Golden& golden, const std::string& key) {
    const Tensor& logits = golden[key + "logits"];
    return semi_supervised<float>(logits, golden[key + "targets"], logits.size(0), {1, 0, 0});
  });
}

TEST(SemiSupervisedLoss, UnlabelledTermEqualsPyTorch) {
  compare_with_golden("l_u", [](const Golden& golden, const std::string& key) {
    return semi_supervised<float>(golden[key + "logits"], golden[key + "targets"], 0, {0, 1, 0});
  });
}

TEST(SemiSupervisedLoss, PenaltyEqualsPyTorch) {
  compare_with_golden("penalty", [](const Golden& golden, const std::string& key) {
    const Tensor& logits = golden[key + "logits"];
    return semi_supervised<float>(logits, Tensor::zeros(logits.shape()), logits.size(0) / 2,
                                  {0, 0, 1});
  });
}

TEST(NegativeEntropy, EqualsPyTorch) {
  compare_with_golden("neg_entropy", [](const Golden& golden, const std::string& key) {
    return negative_entropy<float>(golden[key + "logits"]);
  });
}

TEST(GeneralizedCrossEntropy, EqualsPyTorch) {
  compare_with_golden(
      "gce",
      [](const Golden& golden, const std::string& key) {
        return generalized_cross_entropy<float>(golden[key + "logits"],
                                                golden[key + "labels"].span<std::int64_t>(),
                                                golden[key + "q"].item());
      },
      "plain_losses");
}

/// The three terms by their definitions.
std::vector<double> plain_terms(const Tensor& logits, const Tensor& targets,
                                std::int64_t labelled) {
  const std::int64_t rows = logits.size(0);
  const std::int64_t classes = logits.size(1);
  std::vector<double> mean(static_cast<std::size_t>(classes));
  double loss_x = 0;
  double loss_u = 0;
  for (std::int64_t i = 0; i < rows; ++i) {
    const double* z = logits.data<double>() + i * classes;
    const double* t = targets.data<double>() + i * classes;
    double sum = 0;
    for (std::int64_t c = 0; c < classes; ++c) sum += std::exp(z[c]);
    for (std::int64_t c = 0; c < classes; ++c) {
      const double p = std::exp(z[c]) / sum;
      mean[static_cast<std::size_t>(c)] += p / static_cast<double>(rows);
      if (i < labelled) {
        loss_x -= t[c] * std::log(p) / static_cast<double>(labelled);
      } else {
        loss_u += (p - t[c]) * (p - t[c]) / static_cast<double>((rows - labelled) * classes);
      }
    }
  }
  double penalty = 0;
  const auto uniform = 1.0 / static_cast<double>(classes);
  for (const double m : mean) penalty += uniform * std::log(uniform / m);
  return {loss_x, loss_u, penalty};
}

TEST(SemiSupervisedLoss, GradientIsTheDifferenceQuotientOfTheDefinition) {
  std::uint32_t stream = 0;
  const SemiSupervisedCoefficients coefficients{0.7, 25.0, 1.3};
  for (const std::int64_t classes : {1, 2, 10, 65}) {
    for (const auto& [labelled, unlabelled] : {std::pair{1, 1}, {3, 4}, {0, 5}, {5, 0}}) {
      SCOPED_TRACE(fmt::format("{} + {} rows, {} classes", labelled, unlabelled, classes));
      const Shape shape{labelled + unlabelled, classes};
      const Tensor logits = random_normal(shape, ++stream, 2.0, DType::kFloat64);
      const Tensor targets = random_targets(shape[0], classes, stream, DType::kFloat64);
      const auto value = [&, split = labelled] {
        const auto terms = plain_terms(logits, targets, split);
        return coefficients.labelled * terms[0] + coefficients.unlabelled * terms[1] +
               coefficients.penalty * terms[2];
      };
      const Loss out = semi_supervised<double>(logits, targets, labelled, coefficients);
      const auto terms = plain_terms(logits, targets, labelled);
      for (std::size_t k = 0; k < 3; ++k) EXPECT_NEAR(out.terms.data<double>()[k], terms[k], 1e-12);
      EXPECT_NEAR(out.value.item(), value(), 1e-12);
      const Tensor numerical = numerical_gradient(logits, value);
      // One class: the gradient is zero and the difference quotient is noise.
      EXPECT_LT(relative_error(out.grad, numerical), classes == 1 ? 1.0 + 1e-12 : 1e-7);
      if (classes == 1) {
        for (const double g : out.grad.span<double>()) EXPECT_NEAR(g, 0.0, 1e-12);
      }
    }
  }
}

TEST(SemiSupervisedLoss, FloatAgreesWithDoubleForAThousandClasses) {
  const Tensor logits = random_normal({65, 1000}, 100, 3.0);
  const Tensor targets = random_targets(65, 1000, 101);
  const SemiSupervisedCoefficients coefficients{1, 30, 1};
  const Loss single = semi_supervised<float>(logits, targets, 32, coefficients);
  const Loss exact = semi_supervised<double>(logits.to(DType::kFloat64),
                                             targets.to(DType::kFloat64), 32, coefficients);
  EXPECT_LT(relative_error(single.terms, exact.terms), 1e-6);
  EXPECT_LT(relative_error(single.grad, exact.grad), 1e-6);
}

TEST(SemiSupervisedLoss, EmptyPartsAreZero) {
  const Tensor none = Tensor::empty({0, 10});
  const Loss out = semi_supervised<float>(none, none, 0, {});
  EXPECT_EQ(out.value.item(), 0.0);
  for (const float term : out.terms.span<float>()) EXPECT_EQ(term, 0.0F);
  const Tensor logits = random_normal({4, 10}, 102);
  const Tensor targets = random_targets(4, 10, 103);
  EXPECT_EQ(semi_supervised<float>(logits, targets, 4, {}).terms.data<float>()[1], 0.0F);
  EXPECT_EQ(semi_supervised<float>(logits, targets, 0, {}).terms.data<float>()[0], 0.0F);
  EXPECT_EQ(negative_entropy<float>(none).value.item(), 0.0);
}

TEST(SemiSupervisedLoss, StaysFiniteForAClassWithoutProbability) {
  // The last class has probability exp(-8000) at best.
  const Tensor logits = Tensor::from<float>({5000, 0, -5000, 4000, 0, -4000}, {2, 3});
  const Tensor targets = Tensor::from<float>({0, 0, 1, 0, 1, 0}, {2, 3});
  const Loss out = semi_supervised<float>(logits, targets, 1, {});
  EXPECT_TRUE(std::isfinite(out.value.item()));
  for (const float g : out.grad.span<float>()) EXPECT_TRUE(std::isfinite(g));
  const Loss entropy = negative_entropy<float>(logits);
  for (const float g : entropy.grad.span<float>()) EXPECT_EQ(g, 0.0F);
}

TEST(NegativeEntropy, GradientIsTheDifferenceQuotient) {
  for (const std::int64_t classes : {2, 10, 65}) {
    const Tensor logits = random_normal({5, classes}, 104, 2.0, DType::kFloat64);
    const Loss out = negative_entropy<double>(logits);
    const Tensor numerical =
        numerical_gradient(logits, [&] { return negative_entropy<double>(logits).value.item(); });
    EXPECT_LT(relative_error(out.grad, numerical), 1e-7);
  }
  EXPECT_EQ(negative_entropy<double>(random_normal({3, 1}, 105, 1.0, DType::kFloat64)).value.item(),
            0.0);
}

TEST(GeneralizedCrossEntropy, GradientIsTheDifferenceQuotient) {
  for (const std::int64_t classes : {2, 10, 65}) {
    const Tensor logits = random_normal({5, classes}, 108, 2.0, DType::kFloat64);
    const auto labels = random_labels(5, classes, 109);
    for (const double q : {0.01, 0.7, 1.0}) {
      const auto compute = [&] { return generalized_cross_entropy<double>(logits, labels, q); };
      const Tensor numerical = numerical_gradient(logits, [&] { return compute().value.item(); });
      EXPECT_LT(relative_error(compute().grad, numerical), 1e-7) << classes << ", " << q;
    }
  }
}

TEST(GeneralizedCrossEntropy, GoesFromCrossEntropyToOneMinusP) {
  const Tensor logits = random_normal({20, 10}, 110, 2.0, DType::kFloat64);
  const auto labels = random_labels(20, 10, 111);
  double cross_entropy = 0;
  double one_minus_p = 0;
  for (std::int64_t i = 0; i < 20; ++i) {
    const double* z = logits.data<double>() + i * 10;
    double sum = 0;
    for (std::int64_t c = 0; c < 10; ++c) sum += std::exp(z[c]);
    const double p = std::exp(z[labels[static_cast<std::size_t>(i)]]) / sum;
    cross_entropy -= std::log(p) / 20;
    one_minus_p += (1 - p) / 20;
  }
  const auto value = [&](double q) {
    return generalized_cross_entropy<double>(logits, labels, q).value.item();
  };
  EXPECT_NEAR(value(1e-9), cross_entropy, 1e-7);
  EXPECT_NEAR(value(1.0), one_minus_p, 1e-12);
}

TEST(GeneralizedCrossEntropy, IsSoundAtBothEndsAndWithoutRows) {
  // Labels that are as good as certain, and as good as impossible.
  const Tensor logits = Tensor::from<float>({12, 0, 4000, 0, 0, 4000}, {3, 2});
  const Loss out =
      generalized_cross_entropy<float>(logits, std::vector<std::int64_t>{0, 0, 0}, 0.5);
  const double other = 1.0 / (1.0 + std::exp(12.0));
  EXPECT_NEAR(out.value.item(), (other + 2.0) / 3.0, 1e-6);
  const double slope = std::sqrt(1.0 - other) * other / 3.0;
  EXPECT_NEAR(out.grad.data<float>()[0], -slope, 1e-6 * slope);
  EXPECT_NEAR(out.grad.data<float>()[1], slope, 1e-6 * slope);
  for (std::int64_t k = 2; k < 6; ++k) EXPECT_EQ(out.grad.data<float>()[k], 0.0F) << k;
  EXPECT_EQ(generalized_cross_entropy<float>(Tensor::empty({0, 10}), {}, 0.7).value.item(), 0.0);
  const Loss one_class = generalized_cross_entropy<float>(Tensor::full({3, 1}, 5.0),
                                                          std::vector<std::int64_t>{0, 0, 0}, 0.7);
  EXPECT_EQ(one_class.value.item(), 0.0);
}

TEST(SemiSupervisedLoss, IsTheSameForAnyNumberOfThreads) {
  const Tensor logits = random_normal({256, 100}, 106);
  const Tensor targets = random_targets(256, 100, 107);
  const auto labels = random_labels(256, 100, 107);
  expect_same_for_any_threads([&] {
    const Loss loss = semi_supervised<float>(logits, targets, 128, {1, 25, 1});
    const Loss entropy = negative_entropy<float>(logits);
    const Loss gce = generalized_cross_entropy<float>(logits, labels, 0.7);
    return std::vector<Tensor>{loss.value,   loss.terms, loss.grad, entropy.value,
                               entropy.grad, gce.value,  gce.grad};
  });
}

}  // namespace
}  // namespace bptplr
