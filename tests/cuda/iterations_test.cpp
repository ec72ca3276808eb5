// Twenty training iterations on the device against the same ones on the CPU: from the same weights,
// images and random choices, the losses stay together.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "bpt_plr/method/iteration.hpp"
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

IterationBatch make_batch(std::uint32_t number, Device device, DType dtype) {
  const auto views = [&](std::int64_t count, std::uint32_t stream) {
    const Tensor images = random_normal({count, kSide, kSide, 3}, 100 * number + stream).to(device);
    return dtype == DType::kBfloat16 ? images.to(dtype) : images;
  };
  IterationBatch batch;
  batch.weak = views(4 * kBatch, 1);
  batch.combined = views(8 * kBatch, 3);
  const Tensor labels =
      Tensor::from(random_labels(2 * kBatch, kClasses, number), {2 * kBatch}).to(device);
  batch.labels = labels.rows(0, kBatch);
  batch.clean_probability = Tensor::full({kBatch}, 0.7).to(device);
  batch.class_sets = make_class_sets(
      random_normal({2 * kBatch, kClasses}, 100 * number + 4).to(device), labels, 2);
  const auto permutation = Philox(number, Purpose::kTest).permutation(4 * kBatch);
  batch.permutation = Tensor::from(permutation, {4 * kBatch}).to(device);
  const IterationScalars scalars{0.02, 0.6, 25.0, 1.0};
  batch.scalars = scalars.to_tensor().to(device);
  return batch;
}

/// The terms of the loss, iteration after iteration.
std::vector<IterationLosses> train_on(Device device, DType dtype) {
  PreActResNetConfig config;
  config.width = kWidth;
  config.blocks = {1, 1, 1, 1};
  PreActResNet k(config, 1, 0);
  PreActResNet j(config, 1, 1);
  k.named().move_to(device);
  j.named().move_to(device);
  Sgd optimizer(k.named().parameters(), 0.9, 5e-4);
  const IterationOptions options{Recipe{}};
  std::vector<IterationLosses> losses;
  for (int i = 0; i < kIterations; ++i) {
    IterationBatch batch = make_batch(static_cast<std::uint32_t>(i), device, dtype);
    losses.push_back(IterationLosses::from(queue_iteration(k, j, optimizer, batch, options)));
  }
  return losses;
}

void expect_together(DType dtype, double tolerance) {
  const auto expected = train_on(Device{}, DType::kFloat32);
  const auto actual = train_on(test_device(), dtype);
  // Terms that are small differences of probabilities are themselves less exact, 10 times here.
  const auto near = [&](double a, double b, int iteration, double factor = 1.0) {
    EXPECT_NEAR(a, b, factor * tolerance * std::max(1e-2, std::abs(b)))
        << "iteration " << iteration;
  };
  for (int i = 0; i < kIterations; ++i) {
    const auto at = static_cast<std::size_t>(i);
    near(actual[at].total, expected[at].total, i);
    near(actual[at].loss_x, expected[at].loss_x, i);
    near(actual[at].loss_u, expected[at].loss_u, i, 10.0);
    near(actual[at].penalty, expected[at].penalty, i, 10.0);
    near(actual[at].contrastive, expected[at].contrastive, i);
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
