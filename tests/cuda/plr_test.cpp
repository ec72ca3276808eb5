#include "kernels/plr.hpp"

#include <cmath>

#include "tests/cuda/support.hpp"
#include "tests/kernels/class_sets.hpp"

namespace bptplr {
namespace {

using kernels::ContrastiveLoss;

// loss, gradient, and the number of negatives
std::vector<Tensor> cpu_loss(ContrastiveLoss kind, const Tensor& features, const ClassSetBits& sets,
                             double tau) {
  const std::int64_t anchors = features.size(0), samples = anchors / 2;
  const std::int64_t words = samples == 0 ? 0 : static_cast<std::int64_t>(sets.size()) / samples;
  Tensor loss = Tensor::empty({1}), grad = Tensor::empty(features.shape());
  Tensor negatives = Tensor::empty({anchors}, DType::kInt64);
  kernels::contrastive_loss(cpu_context(), kind, {samples, features.size(1), words}, tau,
                            features.data<float>(), sets.empty() ? nullptr : sets.data(),
                            loss.data<float>(), grad.data<float>(), negatives.data<std::int64_t>());
  return {loss, grad, negatives};
}

/// `offset` floats before the features, so that these are not aligned for vectors.
std::vector<Tensor> cuda_loss(ContrastiveLoss kind, const Tensor& features,
                              const ClassSetBits& sets, double tau, std::size_t offset = 0) {
  const std::int64_t anchors = features.size(0), samples = anchors / 2;
  const std::int64_t words = samples == 0 ? 0 : static_cast<std::int64_t>(sets.size()) / samples;
  std::vector<float> values(offset);
  values.insert(values.end(), features.span<float>().begin(), features.span<float>().end());
  return on_device([&] {
    DeviceArray<float> dev_features(values), loss(1), grad(features.numel());
    DeviceArray<std::uint64_t> dev_sets(sets);
    DeviceArray<std::int64_t> negatives(anchors);
    kernels::contrastive_loss(cuda_test_context(), kind, {samples, features.size(1), words}, tau,
                              dev_features.get() + offset, sets.empty() ? nullptr : dev_sets.get(),
                              loss.get(), grad.get(), negatives);
    return std::vector{loss.to_tensor({1}), grad.to_tensor(features.shape()),
                       negatives.to_tensor({anchors})};
  });
}

void expect_equal_losses(const Tensor& features, const ClassSetBits& sets, double tau,
                         std::size_t offset = 0) {
  for (const auto kind : {ContrastiveLoss::kPlr, ContrastiveLoss::kFlatPlr}) {
    // Large problems are slow on the host: one kind each.
    if (features.size(0) > 200 && (kind == ContrastiveLoss::kPlr) == sets.empty()) continue;
    SCOPED_TRACE(testing::Message()
                 << features.size(0) << " anchors, dimension " << features.size(1) << ", kind "
                 << static_cast<int>(kind) << ", set words " << sets.size() << ", tau " << tau);
    const auto expected = cpu_loss(kind, features, sets, tau);
    const auto actual = cuda_loss(kind, features, sets, tau, offset);
    EXPECT_LT(relative_error(actual[0], expected[0]), 1e-5);
    EXPECT_LT(relative_error(actual[1], expected[1]), 1e-5);
    EXPECT_TRUE(same_bits(actual[2], expected[2]));
  }
}

struct Case {
  std::int64_t samples, dim, classes;  ///< no classes: no sets
  double tau;
};

class ContrastiveLossCuda : public testing::TestWithParam<Case> {};

TEST_P(ContrastiveLossCuda, EqualsTheCpu) {
  const auto [samples, dim, classes, tau] = GetParam();
  const ClassSetBits sets = classes == 0 ? ClassSetBits{}
                                         : cpu_class_sets(random_normal({samples, classes}, 1),
                                                          random_labels(samples, classes, 1), 3);
  expect_equal_losses(random_unit_rows(2 * samples, dim, 2), sets, tau);
}

// From 320 samples on, tiles are 64 x 64; more than 128 dimensions take several slabs; a block of
// the row sums has more than one tile of columns with 280 samples, a block of the gradient also
// with 180 of 129 dimensions.
INSTANTIATE_TEST_SUITE_P(Shapes, ContrastiveLossCuda,
                         testing::Values(Case{1, 1, 2, 1.0}, Case{1, 128, 10, 0.05},
                                         Case{2, 7, 0, 1.0}, Case{2, 130, 10, 0.05},
                                         Case{17, 64, 64, 0.05}, Case{17, 7, 65, 1.0},
                                         Case{17, 1, 1000, 1.0}, Case{64, 128, 10, 0.05},
                                         Case{65, 64, 1000, 0.05}, Case{65, 130, 65, 1.0},
                                         Case{180, 129, 10, 0.1}, Case{280, 12, 10, 0.1},
                                         Case{325, 8, 10, 0.1}));

TEST(ContrastiveLossCuda, OfNaNIsNaN) {
  for (const auto kind : {ContrastiveLoss::kPlr, ContrastiveLoss::kFlatPlr}) {
    Tensor features = Tensor::full({12, 5}, std::nan(""));
    EXPECT_TRUE(std::isnan(cuda_loss(kind, features, {}, 0.5)[0].item()));
  }
}

TEST(ContrastiveLossCuda, TakesUnalignedFeatures) {
  expect_equal_losses(random_unit_rows(34, 64, 1), {}, 0.1, 1);
}

TEST(ContrastiveLossCuda, OfNoSamplesIsZero) {
  for (const auto kind : {ContrastiveLoss::kPlr, ContrastiveLoss::kFlatPlr}) {
    EXPECT_EQ(cuda_loss(kind, Tensor::empty({0, 8}), {}, 1.0)[0].item(), 0.0);
  }
}

TEST(ContrastiveLossCuda, AnchorsWithoutANegativeHaveNoGradient) {
  ClassSetBits sets(20, 1);  // all share class 0 ...
  expect_equal_losses(random_unit_rows(40, 130, 1), sets, 0.05);
  for (std::size_t i = 0; i < 20; i += 3) sets[i] = 2;  // ... or only some, and one has all classes
  sets[5] = 3;
  const Tensor features = random_unit_rows(40, 130, 1);
  expect_equal_losses(features, sets, 0.05);
  for (const auto kind : {ContrastiveLoss::kPlr, ContrastiveLoss::kFlatPlr}) {
    const auto results = cuda_loss(kind, features, sets, 0.05);
    for (const std::int64_t anchor : {5, 25}) {
      EXPECT_EQ(results[2].data<std::int64_t>()[anchor], 0);
      for (std::int64_t d = 0; d < 130; ++d) {
        EXPECT_EQ(results[1].data<float>()[anchor * 130 + d], 0.0F);
      }
    }
  }
}

TEST(ContrastiveLossCuda, WorksWithoutCountingNegatives) {
  const Tensor features = random_unit_rows(6, 8, 1);
  const auto results = on_device([&] {
    DeviceArray<float> dev_features(features), loss(1), grad(48);
    kernels::contrastive_loss(cuda_test_context(), ContrastiveLoss::kPlr, {3, 8, 0}, 0.5,
                              dev_features.get(), nullptr, loss.get(), grad.get(), nullptr);
    return std::vector{loss.to_tensor({1}), grad.to_tensor({6, 8})};
  });
  const auto expected = cpu_loss(ContrastiveLoss::kPlr, features, {}, 0.5);
  EXPECT_LT(relative_error(results[0], expected[0]), 1e-6);
  EXPECT_LT(relative_error(results[1], expected[1]), 1e-6);
}

// All pairs are equally similar: the loss is a logarithm of a count, and attraction cancels
// repulsion. What is left of the gradient is the rounding of s = 1 / tau.
TEST(ContrastiveLossCuda, OfIdenticalFeatures) {
  constexpr std::int64_t kSamples = 17, kDim = 16;
  constexpr double kTau = 0.05;
  const Tensor features =
      Tensor::from(std::vector<float>(2 * kSamples * kDim, 0.25F), {2 * kSamples, kDim});
  const auto plr = cuda_loss(ContrastiveLoss::kPlr, features, {}, kTau);
  EXPECT_NEAR(plr[0].item(), std::log(2.0 * kSamples - 1.0), 1e-5);
  const auto flat = cuda_loss(ContrastiveLoss::kFlatPlr, features, {}, kTau);
  EXPECT_EQ(flat[0].item(), 1.0);
  for (const auto& results : {plr, flat}) {
    for (const float g : results[1].span<float>()) ASSERT_LT(std::abs(g), 1e-5 / kTau / kSamples);
  }
}

TEST(ContrastiveLossCuda, SurvivesATinyTemperature) {
  const Tensor features = random_unit_rows(40, 16, 5);
  for (const auto kind : {ContrastiveLoss::kPlr, ContrastiveLoss::kFlatPlr}) {
    const auto results = cuda_loss(kind, features, {}, 1e-3);
    EXPECT_LT(relative_error(results[0], cpu_loss(kind, features, {}, 1e-3)[0]), 1e-5);
    for (const float g : results[1].span<float>()) ASSERT_TRUE(std::isfinite(g));
  }
}

}  // namespace
}  // namespace bptplr
