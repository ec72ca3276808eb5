#include "kernels/targets.hpp"

#include "tests/cuda/support.hpp"

namespace bptplr {
namespace {

struct Case {
  std::int64_t rows, classes;
  double temperature;
};

class TargetsCuda : public testing::TestWithParam<Case> {
 protected:
  Tensor logits(std::uint32_t stream) const {
    return random_normal({GetParam().rows, GetParam().classes}, stream, 3.0);
  }
};

TEST_P(TargetsCuda, SharpenEqualsTheCpu) {
  const std::int64_t rows = GetParam().rows, classes = GetParam().classes;
  const double temperature = GetParam().temperature;
  const Tensor p = random_targets(rows, classes, 1);
  Tensor targets = Tensor::empty({rows, classes});
  kernels::sharpen(cpu_context(), rows, classes, temperature, p.data<float>(),
                   targets.data<float>());
  const auto results = on_device([&] {
    DeviceArray<float> out(p);
    kernels::sharpen(cuda_test_context(), rows, classes, temperature, out.get(), out.get());
    return std::vector{out.to_tensor({rows, classes})};
  });
  EXPECT_LT(relative_error(results[0], targets), 5e-6);
}

TEST_P(TargetsCuda, CoGuessEqualsTheCpu) {
  const std::int64_t rows = GetParam().rows, classes = GetParam().classes;
  const double temperature = GetParam().temperature;
  const Tensor k1 = logits(2), k2 = logits(3), j1 = logits(4), j2 = logits(5);
  Tensor targets = Tensor::empty({rows, classes}), p = Tensor::empty({rows, classes});
  kernels::co_guess(cpu_context(), rows, classes, temperature, k1.data<float>(), k2.data<float>(),
                    j1.data<float>(), j2.data<float>(), targets.data<float>(), p.data<float>());
  const auto results = on_device([&] {
    DeviceArray<float> dev_k1(k1), dev_k2(k2), dev_j1(j1), dev_j2(j2);
    DeviceArray<float> out(rows * classes), out_p(rows * classes), only(rows * classes);
    const auto ctx = cuda_test_context();
    kernels::co_guess(ctx, rows, classes, temperature, dev_k1.get(), dev_k2.get(), dev_j1.get(),
                      dev_j2.get(), out.get(), out_p.get());
    kernels::co_guess(ctx, rows, classes, temperature, dev_k1.get(), dev_k2.get(), dev_j1.get(),
                      dev_j2.get(), only.get(), nullptr);
    return std::vector{out.to_tensor({rows, classes}), out_p.to_tensor({rows, classes}),
                       only.to_tensor({rows, classes})};
  });
  EXPECT_LT(relative_error(results[0], targets), 5e-6);
  EXPECT_LT(relative_error(results[1], p), 1e-6);
  EXPECT_TRUE(same_bits(results[0], results[2]));
}

TEST_P(TargetsCuda, CoRefineEqualsTheCpu) {
  const std::int64_t rows = GetParam().rows, classes = GetParam().classes;
  const double temperature = GetParam().temperature;
  const Tensor k1 = logits(6), k2 = logits(7);
  const auto labels = random_labels(rows, classes, 8);
  Tensor w = random_targets(rows, 2, 9);  // its first half: values in [0, 1]
  if (rows > 1) w.data<float>()[0] = 1.0F;
  if (rows > 1) w.data<float>()[1] = 0.0F;
  Tensor targets = Tensor::empty({rows, classes}), p = Tensor::empty({rows, classes});
  kernels::co_refine(cpu_context(), rows, classes, temperature, k1.data<float>(), k2.data<float>(),
                     labels.data(), w.data<float>(), targets.data<float>(), p.data<float>());
  const auto results = on_device([&] {
    DeviceArray<float> dev_k1(k1), dev_k2(k2), dev_w(w);
    DeviceArray<std::int64_t> dev_labels(labels);
    DeviceArray<float> out(rows * classes), out_p(rows * classes);
    kernels::co_refine(cuda_test_context(), rows, classes, temperature, dev_k1.get(), dev_k2.get(),
                       dev_labels.get(), dev_w.get(), out.get(), out_p.get());
    return std::vector{out.to_tensor({rows, classes}), out_p.to_tensor({rows, classes})};
  });
  EXPECT_LT(relative_error(results[0], targets), 5e-6);
  EXPECT_LT(relative_error(results[1], p), 1e-6);
}

INSTANTIATE_TEST_SUITE_P(Shapes, TargetsCuda,
                         testing::Values(Case{0, 10, 0.5}, Case{1, 1, 0.5}, Case{5, 2, 1.0},
                                         Case{33, 10, 0.5}, Case{9, 100, 0.1}, Case{3, 1000, 0.05},
                                         Case{2, 1100, 0.5}));

}  // namespace
}  // namespace bptplr
