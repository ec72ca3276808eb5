#include "kernels/sample_losses.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "tests/kernels/support.hpp"

namespace bptplr {
namespace {

Tensor cross_entropy_of(const Tensor& logits, std::span<const std::int64_t> labels) {
  Tensor out = Tensor::empty({logits.size(0)});
  kernels::sample_cross_entropy(cpu_context(), logits.size(0), logits.size(1), logits.data<float>(),
                                labels.data(), out.data<float>());
  return out;
}

Tensor normalized(const Tensor& x) {
  Tensor out = Tensor::empty(x.shape());
  kernels::min_max_normalize(cpu_context(), x.numel(), x.data<float>(), out.data<float>());
  return out;
}

constexpr double kNats = 1.0;
constexpr double kBits = 1.0 / std::numbers::ln2;

Tensor divergence(const Tensor& first, const Tensor& second, std::span<const std::int64_t> labels,
                  double inverse_log_base = kNats) {
  Tensor out = Tensor::empty({first.size(0)});
  kernels::sample_jensen_shannon(cpu_context(), first.size(0), first.size(1), first.data<float>(),
                                 second.data<float>(), labels.data(), inverse_log_base,
                                 out.data<float>());
  return out;
}

Tensor pseudo(const Tensor& s, const Tensor& z, double threshold) {
  Tensor out = Tensor::empty({z.size(0)}, DType::kInt64);
  kernels::pseudo_labels(cpu_context(), z.size(0), z.size(1), threshold, s.data<float>(),
                         z.data<float>(), out.data<std::int64_t>());
  return out;
}

TEST(SampleCrossEntropy, EqualsPyTorch) {
  const Golden golden("losses");
  for (const std::string& name : golden.cases("ce")) {
    const std::string key = "ce/" + name + "/";
    const Tensor out =
        cross_entropy_of(golden[key + "logits"], golden[key + "labels"].span<std::int64_t>());
    EXPECT_LT(relative_error(out, golden[key + "per_sample"]), 1e-6) << name;
  }
}

TEST(SampleCrossEntropy, IsAccurateAtBothEnds) {
  const Tensor logits = Tensor::from<float>({12, 0, 1000, -1000}, {2, 2});
  const Tensor right = cross_entropy_of(logits, std::vector<std::int64_t>{0, 0});
  EXPECT_NEAR(right.data<float>()[0], std::log1p(std::exp(-12.0)), 1e-12);
  EXPECT_EQ(right.data<float>()[1], 0.0F);
  EXPECT_EQ(cross_entropy_of(logits, std::vector<std::int64_t>{1, 1}).data<float>()[1], 2000.0F);
}

TEST(SampleCrossEntropy, OfOneClassIsZero) {
  EXPECT_EQ(cross_entropy_of(random_normal({1, 1}, 1), std::vector<std::int64_t>{0}).item(), 0.0);
}

TEST(SampleJensenShannon, EqualsTheOracle) {
  const Golden golden("unicon");
  ASSERT_FALSE(golden.cases("distance").empty());
  for (const std::string& name : golden.cases("distance")) {
    SCOPED_TRACE(name);
    const std::string key = "distance/" + name + "/";
    const Tensor& p = golden[key + "p"];
    Tensor logits = Tensor::empty(p.shape());
    std::transform(p.data<float>(), p.data<float>() + p.numel(), logits.data<float>(),
                   [](float value) { return std::log(value); });
    const auto labels = golden[key + "labels"].span<std::int64_t>();
    EXPECT_LT(relative_error(divergence(logits, logits, labels), golden[key + "nats"]), 1e-6);
    EXPECT_LT(relative_error(divergence(logits, logits, labels, kBits), golden[key + "bits"]),
              1e-6);
  }
  ASSERT_FALSE(golden.cases("selection").empty());
  for (const std::string& name : golden.cases("selection")) {
    const std::string key = "selection/" + name + "/";
    const Tensor out = divergence(golden[key + "logits_1"], golden[key + "logits_2"],
                                  golden[key + "labels"].span<std::int64_t>(),
                                  1.0 / std::log(golden[key + "log_base"].item()));
    EXPECT_LT(relative_error(out, golden[key + "distance"]), 1e-7) << name;
  }
}

TEST(SampleJensenShannon, IsBetweenZeroAndLogTwoAndKnowsNoFirstNetwork) {
  for (const std::int64_t classes : {1, 2, 10, 65, 1000}) {
    for (const double scale : {0.1, 3.0, 30.0}) {
      SCOPED_TRACE(fmt::format("{} classes, {}", classes, scale));
      const Tensor first = random_normal({37, classes}, 10, scale);
      const Tensor second = random_normal({37, classes}, 11, scale);
      const auto labels = random_labels(37, classes, 12);
      const Tensor nats = divergence(first, second, labels);
      for (const float d : nats.span<float>()) {
        EXPECT_GE(d, 0.0F);
        EXPECT_LE(d, std::numbers::ln2_v<float>);
      }
      EXPECT_TRUE(same_bits(divergence(second, first, labels), nats));
      const Tensor bits = divergence(first, second, labels, kBits);
      for (const float d : bits.span<float>()) EXPECT_LE(d, 1.0F);
    }
  }
  EXPECT_EQ(divergence(Tensor::empty({0, 10}), Tensor::empty({0, 10}), {}).numel(), 0);
}

TEST(SampleJensenShannon, IsAccurateAtBothEnds) {
  // Sure of class 0 by 8, by 1000; the second sample has the probabilities 1 and 0.
  const Tensor logits = Tensor::from<float>({8, 0, 1000, 0}, {2, 2});
  const Tensor right = divergence(logits, logits, std::vector<std::int64_t>{0, 0});
  const long double p = 1.0L / (1.0L + std::exp(-8.0L));
  const auto kl_term = [](long double a, long double b) {
    return a * std::log((a + 1e-10L) / (b + 1e-10L));
  };
  const long double expected =
      (kl_term(p, (p + 1) / 2) + kl_term(1 - p, (1 - p) / 2) + kl_term(1, (p + 1) / 2)) / 2;
  EXPECT_NEAR(right.data<float>()[0] / static_cast<double>(expected), 1.0, 1e-7);
  EXPECT_EQ(right.data<float>()[1], 0.0F);
  const Tensor wrong = divergence(logits, logits, std::vector<std::int64_t>{1, 1});
  EXPECT_GT(wrong.data<float>()[0], 0.69F);
  EXPECT_NEAR(wrong.data<float>()[1], std::numbers::ln2, 1e-7);
}

TEST(SampleJensenShannon, RanksSamplesThatAreLearnt) {
  // p of the other class is exp(-z): the definition in double has lost it by the end.
  const Tensor logits = Tensor::from<float>({18, 0, 20, 0, 22, 0, 40, 0, 41, 0}, {5, 2});
  const Tensor out = divergence(logits, logits, std::vector<std::int64_t>(5, 0));
  for (std::int64_t i = 1; i < 5; ++i) {
    EXPECT_LT(out.data<float>()[i], out.data<float>()[i - 1]) << i;
  }
  EXPECT_GT(out.data<float>()[4], 0.0F);
}

TEST(MinMaxNormalize, ReachesBothEnds) {
  const Tensor out = normalized(Tensor::from<float>({2, -2, 0, 1}, {4}));
  EXPECT_TRUE(same_bits(out, Tensor::from<float>({1, 0, 0.5, 0.75}, {4})));
}

TEST(MinMaxNormalize, OfEqualValuesIsZero) {
  EXPECT_TRUE(same_bits(normalized(Tensor::full({5}, 3.25)), Tensor::zeros({5})));
  EXPECT_TRUE(same_bits(normalized(Tensor::full({1}, -1)), Tensor::zeros({1})));
  EXPECT_EQ(normalized(Tensor::empty({0})).numel(), 0);
}

TEST(MinMaxNormalize, LeavesNaNWhereItIs) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Tensor out = normalized(Tensor::from<float>({nan, 1, 3, nan}, {4}));
  EXPECT_TRUE(std::isnan(out.data<float>()[0]));
  EXPECT_EQ(out.data<float>()[1], 0.0F);
  EXPECT_EQ(out.data<float>()[2], 1.0F);
  EXPECT_TRUE(std::isnan(out.data<float>()[3]));
}

TEST(PseudoLabels, EqualPyTorch) {
  const Golden golden("prototypes");
  ASSERT_FALSE(golden.cases("update").empty());
  for (const std::string& name : golden.cases("update")) {
    const std::string key = "update/" + name + "/";
    EXPECT_TRUE(
        same_bits(pseudo(golden[key + "s"], golden[key + "z"], golden[key + "threshold"].item()),
                  golden[key + "pseudo"]))
        << name;
  }
}

TEST(PseudoLabels, FallBackToTheClassifierBelowTheThreshold) {
  // The prototypes are sure of class 2, the classifier prefers 1 a little.
  const Tensor s = Tensor::from<float>({0, 0, 20}, {1, 3});
  const Tensor z = Tensor::from<float>({0, 0.2F, 0.1F}, {1, 3});
  EXPECT_EQ(pseudo(s, z, 0.8).data<std::int64_t>()[0], 1);
  EXPECT_EQ(pseudo(s, z, 0.5).data<std::int64_t>()[0], 2);
  const Tensor flat = Tensor::zeros({1, 3});
  EXPECT_EQ(pseudo(flat, flat, 0.8).data<std::int64_t>()[0], 0);
  EXPECT_EQ(pseudo(flat, flat, 0.1).data<std::int64_t>()[0], 0);
}

TEST(PseudoLabels, CompareAsFloat32) {
  // Mean 0.625 exactly for class 3, of which the prototypes are sure; the classifier is not.
  const Tensor s = Tensor::from<float>({0, 0, 0, 200}, {1, 4});
  const Tensor z = Tensor::zeros({1, 4});
  const auto label = [&](double threshold) {
    return pseudo(s, z, threshold).data<std::int64_t>()[0];
  };
  EXPECT_EQ(label(0.625), 0);
  EXPECT_EQ(label(0.625 - 1e-9), 0) << "0.625 in float32, as in PyTorch";
  EXPECT_EQ(label(0.625 - 1e-7), 3);
}

TEST(SampleLosses, AreTheSameForAnyNumberOfThreads) {
  const Tensor z = random_normal({5000, 10}, 2, 3.0);
  const Tensor s = random_normal({5000, 10}, 3, 3.0);
  const auto labels = random_labels(5000, 10, 4);
  expect_same_for_any_threads([&] {
    const Tensor losses = cross_entropy_of(z, labels);
    return std::vector<Tensor>{losses, normalized(losses), normalized(random_normal({70000}, 5)),
                               pseudo(s, z, 0.8), divergence(s, z, labels)};
  });
}

}  // namespace
}  // namespace bptplr
