// Twenty training iterations on the device against the same ones on the CPU: from the same weights,
// images and random choices, the losses stay together.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "bpt_plr/method/semi_supervised_step.hpp"
#include "models/preact_resnet.hpp"
#include "tests/cuda/support.hpp"
#include "tests/device.hpp"

namespace bptplr {
namespace {

#if defined(BPTPLR_SIMT)
constexpr std::int64_t kSide = 8, kBatch = 4, kWidth = 4;
#else
constexpr std::int64_t kSide = 32, kBatch = 64, kWidth = 16;
#endif
constexpr std::int64_t kClasses = 10;
constexpr int kIterations = 20;

/// A batch and its views, on the device.
struct Iteration {
  Batch batch;
  StepViews views;

  Iteration(std::uint32_t number, Device device, DType dtype) {
    const auto images = [&](std::int64_t count, std::uint32_t stream) {
      const Tensor normal =
          random_normal({count, kSide, kSide, 3}, 100 * number + stream).to(device);
      return dtype == DType::kBfloat16 ? normal.to(dtype) : normal;
    };
    views.weak = images(4 * kBatch, 1);
    views.combined = images(8 * kBatch, 3);
    views.strong = views.combined.rows(4 * kBatch, 8 * kBatch);
    const Tensor labels =
        Tensor::from(random_labels(2 * kBatch, kClasses, number), {2 * kBatch}).to(device);
    views.class_sets = make_class_sets(
        random_normal({2 * kBatch, kClasses}, 100 * number + 4).to(device), labels, 2);
    batch.labels = labels.rows(0, kBatch);
    batch.clean_probability = Tensor::full({kBatch}, 0.7).to(device);
    const auto permutation = Philox(number, Purpose::kTest).permutation(4 * kBatch);
    batch.permutation = Tensor::from(permutation, {4 * kBatch}).to(device);
    batch.scalars = make_scalars(0.02, 0.6, 25.0, 1.0).to(device);
    batch.samples = 2 * kBatch;
  }
};

/// The terms of the loss, iteration after iteration.
std::vector<LossTerms> train_on(Device device, DType dtype) {
  PreActResNetConfig config;
  config.width = kWidth;
  config.blocks = {1, 1, 1, 1};
  PreActResNet k(config, 1, 0);
  PreActResNet j(config, 1, 1);
  k.named().move_to(device);
  j.named().move_to(device);
  Sgd optimizer(k.named().parameters(), 0.9, 5e-4);
  const SemiSupervisedStep step(Recipe{}, 0, k, j, optimizer);
  std::vector<LossTerms> losses;
  for (int i = 0; i < kIterations; ++i) {
    const Iteration iteration(static_cast<std::uint32_t>(i), device, dtype);
    losses.push_back(loss_terms(step.train(iteration.batch, iteration.views)));
  }
  return losses;
}

void expect_together(DType dtype, double tolerance) {
  const auto expected = train_on(Device{}, DType::kFloat32);
  const auto actual = train_on(test_device(), dtype);
  // Terms that are small differences of probabilities are themselves less exact, 10 times here.
  const std::map<std::string, double> factors{
      {"loss", 1.0}, {"loss_x", 1.0}, {"loss_u", 10.0}, {"penalty", 10.0}, {"contrastive", 1.0}};
  for (int i = 0; i < kIterations; ++i) {
    const auto at = static_cast<std::size_t>(i);
    ASSERT_EQ(expected[at].size(), factors.size());
    for (const auto& [name, factor] : factors) {
      const double value = expected[at].at(name);
      EXPECT_NEAR(actual[at].at(name), value, factor * tolerance * std::max(1e-2, std::abs(value)))
          << name << ", iteration " << i;
    }
  }
}

TEST(IterationsCuda, TwentyInFloat32FollowTheCpu) {
  expect_together(DType::kFloat32, 1e-3);
}

TEST(IterationsCuda, TwentyInBfloat16FollowTheCpu) {
  expect_together(DType::kBfloat16, 2e-2);
}

}  // namespace
}  // namespace bptplr
