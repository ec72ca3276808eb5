#include "kernels/softmax.hpp"

#include "tests/cuda/support.hpp"

namespace bptplr {
namespace {

struct Case {
  std::int64_t n, classes;
};

class SoftmaxCuda : public testing::TestWithParam<Case> {};

TEST_P(SoftmaxCuda, EqualsTheCpu) {
  const std::int64_t n = GetParam().n, classes = GetParam().classes;
  const Shape shape{n, classes};
  const Tensor x = random_normal(shape, 1, 5.0);
  Tensor p = Tensor::empty(shape);
  kernels::softmax(cpu_context(), x.data<float>(), p.data<float>(), n, classes);
  const auto results = on_device([&] {
    DeviceArray<float> dev_p(x);
    kernels::softmax(cuda_test_context(), dev_p.get(), dev_p.get(), n, classes);  // in place
    return std::vector{dev_p.to_tensor(shape)};
  });
  EXPECT_LT(relative_error(results[0], p), 2e-6);
}

TEST_P(SoftmaxCuda, CrossEntropyEqualsTheCpu) {
  const std::int64_t n = GetParam().n, classes = GetParam().classes;
  const Tensor x = random_normal({n, classes}, 3, 2.0);
  Tensor target = random_targets(n, classes, 4);
  // A row of targets need not sum to one.
  for (std::int64_t c = 0; c < std::min<std::int64_t>(n, 1) * classes; ++c) {
    target.data<float>()[c] *= 0.5F;
  }
  Tensor loss = Tensor::empty({1}), dx = Tensor::empty({n, classes});
  kernels::soft_cross_entropy(cpu_context(), x.data<float>(), target.data<float>(), n, classes,
                              loss.data<float>(), dx.data<float>());
  const auto results = on_device([&] {
    DeviceArray<float> dev_x(x), dev_target(target), dev_loss(1), dev_dx(n * classes);
    kernels::soft_cross_entropy(cuda_test_context(), dev_x.get(), dev_target.get(), n, classes,
                                dev_loss.get(), dev_dx.get());
    return std::vector{dev_loss.to_tensor({1}), dev_dx.to_tensor({n, classes})};
  });
  EXPECT_LT(relative_error(results[0], loss), 1e-6);
  EXPECT_LT(relative_error(results[1], dx), 1e-5);
}

INSTANTIATE_TEST_SUITE_P(Shapes, SoftmaxCuda,
                         testing::Values(Case{0, 10}, Case{1, 1}, Case{7, 2}, Case{33, 10},
                                         Case{5, 32}, Case{6, 33}, Case{9, 128}, Case{3, 129},
                                         Case{5, 1024}, Case{3, 1100}, Case{1300, 3}));

TEST(SoftmaxCudaValues, DoNotOverflow) {
  const Tensor x = Tensor::from<float>({1000, 999, -1000, -1000, -1000, -1000}, {2, 3});
  const auto results = on_device([&] {
    DeviceArray<float> dev_x(x), dev_p(6);
    kernels::softmax(cuda_test_context(), dev_x.get(), dev_p.get(), 2, 3);
    return std::vector{dev_p.to_tensor({6})};
  });
  EXPECT_NEAR(results[0].data<float>()[0], 1.0 / (1.0 + std::exp(-1.0)), 1e-6);
  EXPECT_EQ(results[0].data<float>()[2], 0.0F);
  EXPECT_NEAR(results[0].data<float>()[5], 1.0 / 3.0, 1e-6);
}

}  // namespace
}  // namespace bptplr
