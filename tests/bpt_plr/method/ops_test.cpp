// The operations of the method on tensors; their kernels are tested in tests/kernels.
#include "bpt_plr/method/ops.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "engine/ops.hpp"
#include "tests/device.hpp"
#include "tests/golden.hpp"

namespace bptplr {
namespace {

TEST(GeneralizedCrossEntropy, ValueAndGradientEqualPyTorch) {
  const Golden golden("plain_losses");
  ASSERT_FALSE(golden.cases("gce").empty());
  for (const std::string& name : golden.cases("gce")) {
    SCOPED_TRACE(name);
    const std::string key = "gce/" + name + "/";
    Tensor logits = golden[key + "logits"].clone().to(test_device());
    logits.set_requires_grad(true);
    const Tensor loss = generalized_cross_entropy(logits, golden[key + "labels"].to(test_device()),
                                                  golden[key + "q"].item());
    EXPECT_LT(relative_error(loss, golden[key + "value"]), 1e-5);
    backward(scale(loss, -2.0));
    EXPECT_LT(relative_error(logits.grad(), scale(golden[key + "dlogits"], -2.0)), 1e-5);
  }
}

/// The baseline `mixup`: cross-entropy with labels that are mixed as the images are.
TEST(MixedCrossEntropy, ValueAndGradientEqualPyTorch) {
  const Golden golden("plain_losses");
  for (const std::string& name : golden.cases("mixup_ce")) {
    SCOPED_TRACE(name);
    const std::string key = "mixup_ce/" + name + "/";
    Tensor logits = golden[key + "logits"].clone().to(test_device());
    logits.set_requires_grad(true);
    const Tensor labels =
        one_hot(golden[key + "labels"].span<std::int64_t>(), logits.size(1)).to(test_device());
    const Tensor l = Tensor::full({1}, golden[key + "l"].item(), DType::kFloat64).to(test_device());
    const Tensor targets = Tensor::empty_like(labels);
    mix_rows(labels, labels, golden[key + "perm"].to(test_device()), l, targets);
    const Tensor loss = soft_cross_entropy(logits, targets);
    EXPECT_LT(relative_error(loss, golden[key + "value"]), 1e-5);
    backward(loss);
    EXPECT_LT(relative_error(logits.grad(), golden[key + "dlogits"]), 1e-5);
  }
}

/// A GPU has no kernels of doubles.
TEST(MixRows, MixesDoublesOnACpu) {
  const Tensor a = Tensor::from(std::vector{1.0, 2.0, 3.0, 5.0}, {2, 2});
  const Tensor permutation = Tensor::from(std::vector<std::int64_t>{1, 0}, {2});
  const Tensor mixed = Tensor::zeros({2, 2}, DType::kFloat64);
  mix_rows(a, a, permutation, Tensor::full({1}, 0.75, DType::kFloat64), mixed);
  const std::vector<double> expected{1.5, 2.75, 2.5, 4.25};
  EXPECT_TRUE(std::ranges::equal(mixed.span<double>(), expected));
}

TEST(GeneralizedCrossEntropy, RefusesWhatDoesNotFit) {
  const Tensor logits = Tensor::zeros({2, 3});
  const auto loss = [&](const std::vector<std::int64_t>& labels, double q) {
    return generalized_cross_entropy(logits, Tensor::from(labels, {std::ssize(labels)}), q);
  };
  EXPECT_NO_THROW(loss({0, 2}, 1.0));
  EXPECT_THROW(loss({0, 3}, 0.7), Error);
  EXPECT_THROW(loss({-1, 0}, 0.7), Error);
  EXPECT_THROW(loss({0}, 0.7), Error);
  EXPECT_THROW(loss({0, 1}, 0.0), Error);
  EXPECT_THROW(loss({0, 1}, 1.1), Error);
}

}  // namespace
}  // namespace bptplr
