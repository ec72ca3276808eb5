#include "kernels/sample_losses.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

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

TEST(SampleLosses, AreTheSameForAnyNumberOfThreads) {
  const Tensor z = random_normal({5000, 10}, 2, 3.0);
  const Tensor s = random_normal({5000, 10}, 3, 3.0);
  const auto labels = random_labels(5000, 10, 4);
  expect_same_for_any_threads([&] {
    const Tensor losses = cross_entropy_of(z, labels);
    return std::vector<Tensor>{losses, normalized(losses), normalized(random_normal({70000}, 5)),
                               pseudo(s, z, 0.8)};
  });
}

}  // namespace
}  // namespace bptplr
