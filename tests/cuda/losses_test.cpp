#include "kernels/losses.hpp"

#include "tests/cuda/support.hpp"

namespace bptplr {
namespace {

using Coefficients = kernels::SemiSupervisedCoefficients;
using Problem = kernels::SemiSupervisedShape;

struct Results {
  Tensor loss, terms, grad;
};

Results on_cpu(const Problem& shape, const Coefficients& coefficients, const Tensor& logits,
               const Tensor& targets) {
  Results r{Tensor::empty({1}), Tensor::empty({3}), Tensor::empty(logits.shape())};
  kernels::semi_supervised_loss(cpu_context(), shape, &coefficients, logits.data<float>(),
                                targets.data<float>(), r.loss.data<float>(), r.terms.data<float>(),
                                r.grad.data<float>());
  return r;
}

Results on_gpu(const Problem& shape, const Coefficients& coefficients, const Tensor& logits,
               const Tensor& targets) {
  const auto results = on_device([&] {
    DeviceArray<float> dev_logits(logits), dev_targets(targets);
    DeviceArray<float> loss(1), terms(3), grad(logits.numel());
    DeviceArray<Coefficients> dev_coefficients(std::vector<Coefficients>{coefficients});
    kernels::semi_supervised_loss(cuda_test_context(), shape, dev_coefficients.get(),
                                  dev_logits.get(), dev_targets.get(), loss.get(), terms.get(),
                                  grad.get());
    return std::vector{loss.to_tensor({1}), terms.to_tensor({3}), grad.to_tensor(logits.shape())};
  });
  return {results[0], results[1], results[2]};
}

/// The penalty is a sum of logarithms that cancel near its minimum 0: what counts is how far values
/// are apart, not how far in proportion.
void expect_near(const Tensor& actual, const Tensor& expected) {
  for (std::int64_t k = 0; k < expected.numel(); ++k) {
    const float value = expected.data<float>()[k];
    EXPECT_NEAR(actual.data<float>()[k], value, 1e-6 * std::max(1.0F, std::abs(value))) << k;
  }
}

void expect_equal(const Results& actual, const Results& expected) {
  expect_near(actual.loss, expected.loss);
  expect_near(actual.terms, expected.terms);
  EXPECT_LT(relative_error(actual.grad, expected.grad), 1e-5);
}

class SemiSupervisedLossCuda : public testing::TestWithParam<Problem> {};

TEST_P(SemiSupervisedLossCuda, EqualsTheCpu) {
  const Problem shape = GetParam();
  const Tensor logits = random_normal({shape.rows(), shape.classes}, 1, 2.0);
  const Tensor targets = random_targets(shape.rows(), shape.classes, 2);
  for (const Coefficients& coefficients :
       {Coefficients{1.0, 25.0, 1.0}, Coefficients{0.0, 0.0, 2.0}, Coefficients{0.5, 1.0, 0.0}}) {
    expect_equal(on_gpu(shape, coefficients, logits, targets),
                 on_cpu(shape, coefficients, logits, targets));
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, SemiSupervisedLossCuda,
                         testing::Values(Problem{0, 0, 10}, Problem{1, 0, 2}, Problem{0, 1, 3},
                                         Problem{5, 4, 10}, Problem{8, 8, 32}, Problem{13, 20, 33},
                                         Problem{150, 137, 10}, Problem{7, 6, 200},
                                         Problem{2, 3, 1600}));

TEST(SemiSupervisedLossCudaValues, SurviveAClassWithoutProbability) {
  const Problem shape{2, 2, 3};
  Tensor logits = random_normal({4, 3}, 3);
  for (std::int64_t i = 0; i < 4; ++i) logits.data<float>()[3 * i + 1] = -300.0F;
  const Results r = on_gpu(shape, {1, 25, 1}, logits, random_targets(4, 3, 4));
  EXPECT_TRUE(std::isfinite(r.loss.item()));
  EXPECT_GT(r.terms.data<float>()[2], 20.0F);
  for (const float g : r.grad.span<float>()) EXPECT_TRUE(std::isfinite(g));
}

class RowLossesCuda : public testing::TestWithParam<Shape> {};

TEST_P(RowLossesCuda, NegativeEntropyEqualsTheCpu) {
  const Tensor logits = random_normal(GetParam(), 5, 3.0);
  const std::int64_t rows = logits.size(0), classes = logits.size(1);
  Tensor loss = Tensor::empty({1}), grad = Tensor::empty(logits.shape());
  kernels::negative_entropy(cpu_context(), rows, classes, logits.data<float>(), loss.data<float>(),
                            grad.data<float>());
  const auto results = on_device([&] {
    DeviceArray<float> dev_logits(logits), dev_loss(1), dev_grad(logits.numel());
    kernels::negative_entropy(cuda_test_context(), rows, classes, dev_logits.get(), dev_loss.get(),
                              dev_grad.get());
    return std::vector{dev_loss.to_tensor({1}), dev_grad.to_tensor(logits.shape())};
  });
  EXPECT_LT(relative_error(results[0], loss), 1e-6);
  EXPECT_LT(relative_error(results[1], grad), 1e-5);
}

TEST_P(RowLossesCuda, GeneralizedCrossEntropyEqualsTheCpu) {
  const Tensor logits = random_normal(GetParam(), 6, 3.0);
  const std::int64_t rows = logits.size(0), classes = logits.size(1);
  const auto labels = random_labels(rows, classes, 7);
  for (const double q : {0.05, 0.7, 1.0}) {
    Tensor loss = Tensor::empty({1}), grad = Tensor::empty(logits.shape());
    kernels::generalized_cross_entropy(cpu_context(), rows, classes, q, logits.data<float>(),
                                       labels.data(), loss.data<float>(), grad.data<float>());
    const auto results = on_device([&] {
      DeviceArray<float> dev_logits(logits), dev_loss(1), dev_grad(logits.numel());
      DeviceArray<std::int64_t> dev_labels(labels);
      kernels::generalized_cross_entropy(cuda_test_context(), rows, classes, q, dev_logits.get(),
                                         dev_labels.get(), dev_loss.get(), dev_grad.get());
      return std::vector{dev_loss.to_tensor({1}), dev_grad.to_tensor(logits.shape())};
    });
    EXPECT_LT(relative_error(results[0], loss), 1e-6) << q;
    EXPECT_LT(relative_error(results[1], grad), 1e-5) << q;
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, RowLossesCuda,
                         testing::Values(Shape{0, 10}, Shape{1, 2}, Shape{37, 10}, Shape{5, 33},
                                         Shape{6, 200}, Shape{3, 1100}));

}  // namespace
}  // namespace bptplr
