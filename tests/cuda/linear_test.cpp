#include "kernels/linear.hpp"

#include "tests/cuda/support.hpp"

namespace bptplr {
namespace {

class LinearCuda : public testing::TestWithParam<kernels::LinearShape> {};

TEST_P(LinearCuda, EqualsTheCpu) {
  const kernels::LinearShape s = GetParam();
  const Tensor x = random_normal({s.n, s.in}, 1), w = random_normal({s.out, s.in}, 2);
  const Tensor b = random_normal({s.out}, 3), dy = random_normal({s.n, s.out}, 4);
  Tensor y = Tensor::empty({s.n, s.out}), dx = Tensor::empty_like(x);
  Tensor dw = Tensor::empty_like(w), db = Tensor::empty_like(b);
  kernels::linear_forward(cpu_context(), s, x.data<float>(), w.data<float>(), b.data<float>(),
                          y.data<float>());
  kernels::linear_backward_data(cpu_context(), s, dy.data<float>(), w.data<float>(),
                                dx.data<float>());
  kernels::linear_backward_weights(cpu_context(), s, x.data<float>(), dy.data<float>(),
                                   dw.data<float>(), db.data<float>());
  const auto results = on_device([&] {
    DeviceArray<float> dev_x(x), dev_w(w), dev_b(b), dev_dy(dy);
    DeviceArray<float> dev_y(y.numel()), dev_dx(dx.numel()), dev_dw(dw.numel()), dev_db(s.out);
    const kernels::CudaContext ctx = cuda_test_context();
    kernels::linear_forward(ctx, s, dev_x.get(), dev_w.get(), dev_b.get(), dev_y.get());
    kernels::linear_backward_data(ctx, s, dev_dy.get(), dev_w.get(), dev_dx.get());
    kernels::linear_backward_weights(ctx, s, dev_x.get(), dev_dy.get(), dev_dw.get(), dev_db.get());
    return std::vector{dev_y.to_tensor(y.shape()), dev_dx.to_tensor(dx.shape()),
                       dev_dw.to_tensor(dw.shape()), dev_db.to_tensor(db.shape())};
  });
  EXPECT_LT(relative_error(results[0], y), 1e-5);
  EXPECT_LT(relative_error(results[1], dx), 1e-5);
  EXPECT_LT(relative_error(results[2], dw), 1e-5);
  EXPECT_LT(relative_error(results[3], db), 1e-5);
}

INSTANTIATE_TEST_SUITE_P(Shapes, LinearCuda,
                         testing::Values(kernels::LinearShape{0, 3, 5},
                                         kernels::LinearShape{1, 1, 1},
                                         kernels::LinearShape{9, 7, 33},
                                         kernels::LinearShape{40, 64, 10}));

}  // namespace
}  // namespace bptplr
