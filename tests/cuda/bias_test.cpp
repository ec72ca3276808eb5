#include "kernels/bias.hpp"

#include "tests/cuda/activations.hpp"

namespace bptplr {
namespace {

template <class T>
class BiasCuda : public testing::Test {};
TYPED_TEST_SUITE(BiasCuda, ActivationTypes);

TYPED_TEST(BiasCuda, EqualsTheCpu) {
  // One tile of channels and several, a ragged last one, several chunks of rows.
  for (const Shape& shape : {Shape{0, 5}, {1, 1}, {5, 3}, {64, 16}, {90, 328}, {4290, 33}}) {
    const std::int64_t rows = shape[0], channels = shape[1];
    const Tensor x = rounded<TypeParam>(random_normal({rows, channels}, 1));
    const Tensor bias = random_normal({channels}, 2);
    Tensor y = x.clone();
    Tensor gradient = Tensor::empty({channels});
    kernels::add_bias(cpu_context(), rows, channels, bias.data<float>(), y.data<float>());
    kernels::bias_gradient(cpu_context(), rows, channels, x.data<float>(), gradient.data<float>());
    for (const bool aligned : {true, false}) {
      SCOPED_TRACE(std::to_string(rows) + " x " + std::to_string(channels) +
                   (aligned ? " aligned" : " unaligned"));
      const auto results = on_device([&] {
        DeviceActivations<TypeParam> dev_x(x, aligned), dev_y(x, aligned);
        DeviceArray<float> dev_bias(bias), dev_gradient(channels);
        kernels::add_bias(cuda_test_context(), rows, channels, dev_bias.get(), dev_y.get());
        kernels::bias_gradient(cuda_test_context(), rows, channels, dev_x.get(),
                               dev_gradient.get());
        return std::vector{dev_y.to_tensor(x.shape()), dev_gradient.to_tensor({channels})};
      });
      EXPECT_TRUE(same_bits(results[0], rounded<TypeParam>(y)));
      EXPECT_LT(relative_error(results[1], gradient), 1e-6);
    }
  }
}

}  // namespace
}  // namespace bptplr
