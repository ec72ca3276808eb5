#include "kernels/adaptive_pool.hpp"

#include "tests/cuda/activations.hpp"

namespace bptplr {
namespace {

template <class T>
class AdaptivePoolCuda : public testing::Test {};
TYPED_TEST_SUITE(AdaptivePoolCuda, ActivationTypes);

TYPED_TEST(AdaptivePoolCuda, EqualsTheCpu) {
  // Maps as large as the image, smaller and larger; cells that overlap; one tile of channels, some
  // that is not full, and several; more pixels than a block has threads.
  for (const kernels::AdaptivePoolShape& s :
       {kernels::AdaptivePoolShape{2, 7, 7, 40, 7}, kernels::AdaptivePoolShape{2, 2, 2, 64, 7},
        kernels::AdaptivePoolShape{1, 1, 1, 3, 7}, kernels::AdaptivePoolShape{1, 10, 13, 33, 7},
        kernels::AdaptivePoolShape{1, 20, 3, 5, 16}, kernels::AdaptivePoolShape{3, 4, 6, 31, 1},
        kernels::AdaptivePoolShape{0, 4, 4, 8, 7}}) {
    SCOPED_TRACE(std::to_string(s.h) + " x " + std::to_string(s.w) + " x " + std::to_string(s.c) +
                 " to " + std::to_string(s.side));
    const Tensor x = random_normal({s.n, s.h, s.w, s.c}, 1);
    const Tensor dy = random_normal({s.n, s.c * s.cells()}, 2);
    Tensor y = Tensor::empty_like(dy), dx = Tensor::empty_like(x);
    kernels::adaptive_avg_pool_forward(
        cpu_context(), s, rounded<TypeParam>(x).template data<float>(), y.data<float>());
    kernels::adaptive_avg_pool_backward(cpu_context(), s, dy.data<float>(), dx.data<float>());
    const auto results = on_device([&] {
      DeviceActivations<TypeParam> dev_x(x, true), dev_dx(x.numel(), true);
      DeviceActivations<float> dev_dy(dy, true), dev_y(y.numel(), true);
      kernels::adaptive_avg_pool_forward(cuda_test_context(), s, dev_x.get(), dev_y.get());
      kernels::adaptive_avg_pool_backward(cuda_test_context(), s, dev_dy.get(), dev_dx.get());
      return std::vector{dev_y.to_tensor(y.shape()), dev_dx.to_tensor(x.shape())};
    });
    EXPECT_LE(relative_error(results[0], y), 1e-6);
    EXPECT_LE(relative_error(results[1], dx), kActivationTolerance<TypeParam>);
  }
}

}  // namespace
}  // namespace bptplr
