#include "kernels/l2_normalize.hpp"

#include "tests/cuda/support.hpp"

namespace bptplr {
namespace {

struct Case {
  std::int64_t n, dim;
};

class L2NormalizeCuda : public testing::TestWithParam<Case> {};

TEST_P(L2NormalizeCuda, EqualsTheCpu) {
  const std::int64_t n = GetParam().n, dim = GetParam().dim;
  Tensor x = random_normal({n, dim}, 1);
  if (n > 1) std::fill_n(x.data<float>(), dim, 0.0f);  // a row without a direction
  const Tensor dy = random_normal({n, dim}, 2);
  Tensor y = Tensor::empty({n, dim}), norm = Tensor::empty({n}), dx = Tensor::empty({n, dim});
  kernels::l2_normalize_forward(cpu_context(), x.data<float>(), y.data<float>(), norm.data<float>(),
                                n, dim);
  kernels::l2_normalize_backward(cpu_context(), y.data<float>(), norm.data<float>(),
                                 dy.data<float>(), dx.data<float>(), n, dim);
  const auto results = on_device([&] {
    DeviceArray<float> dev_x(x), dev_y(n * dim), dev_norm(n), dev_dy(dy), dev_dx(n * dim);
    kernels::l2_normalize_forward(cuda_test_context(), dev_x.get(), dev_y.get(), dev_norm.get(), n,
                                  dim);
    kernels::l2_normalize_backward(cuda_test_context(), dev_y.get(), dev_norm.get(), dev_dy.get(),
                                   dev_dx.get(), n, dim);
    return std::vector{dev_y.to_tensor({n, dim}), dev_norm.to_tensor({n}),
                       dev_dx.to_tensor({n, dim})};
  });
  EXPECT_LT(relative_error(results[0], y), 1e-6);
  EXPECT_LT(relative_error(results[1], norm), 1e-6);
  EXPECT_LT(relative_error(results[2], dx), 1e-6);
}

INSTANTIATE_TEST_SUITE_P(Shapes, L2NormalizeCuda,
                         testing::Values(Case{0, 8}, Case{1, 1}, Case{3, 7}, Case{5, 128},
                                         Case{33, 130}));

}  // namespace
}  // namespace bptplr
