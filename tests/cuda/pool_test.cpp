#include "kernels/pool.hpp"

#include <cmath>
#include <limits>

#include "tests/cuda/activations.hpp"

namespace bptplr {
namespace {

template <class T>
class PoolCuda : public testing::Test {
 protected:
  struct Case {
    kernels::PoolShape shape;
    bool aligned = true;
  };

  static Shape input(const kernels::PoolShape& s) { return {s.n, s.h, s.w, s.c}; }
  static Shape output(const kernels::PoolShape& s) { return {s.n, s.out_h(), s.out_w(), s.c}; }

  /// n, h, w, c, kernel, stride, padding: windows apart, next to each other and overlapping, that
  /// leave pixels over; rows of more vectors than a block has threads; channels of odd number.
  static std::vector<Case> cases(std::int64_t padding) {
    return {{{2, 8, 8, 16, 2, 2, 0}},
            {{1, 7, 9, 8, 3, 2, padding}},
            {{2, 5, 5, 5, 3, 1, padding}},
            {{1, 6, 40, 64, 2, 3, 0}},
            {{2, 4, 4, 24, 4, 4, 0}},
            {{1, 1, 1, 1, 1, 1, 0}},
            {{1, 9, 7, 8, 3, 2, padding}, false},
            {{0, 4, 4, 8, 2, 2, 0}}};
  }

  static std::string describe(const Case& c) {
    const auto& s = c.shape;
    return std::to_string(s.h) + " x " + std::to_string(s.w) + " x " + std::to_string(s.c) +
           ", windows of " + std::to_string(s.kernel) + " every " + std::to_string(s.stride);
  }
};
TYPED_TEST_SUITE(PoolCuda, ActivationTypes);

TYPED_TEST(PoolCuda, MaxPoolEqualsTheCpu) {
  for (const auto& c : this->cases(1)) {
    SCOPED_TRACE(this->describe(c));
    const auto& s = c.shape;
    Tensor x = rounded<TypeParam>(random_normal(this->input(s), 1));
    for (std::int64_t i = 0; i < x.numel(); i += 3) x.data<float>()[i] = 1.5f;  // ties
    const Tensor dy = random_normal(this->output(s), 2);
    Tensor y = Tensor::empty_like(dy), dx = Tensor::empty_like(x);
    Tensor winner = Tensor::empty(dy.shape(), DType::kUint8);
    kernels::max_pool_forward(cpu_context(), s, x.data<float>(), y.data<float>(),
                              winner.data<std::uint8_t>());
    kernels::max_pool_backward(cpu_context(), s, rounded<TypeParam>(dy).template data<float>(),
                               winner.data<std::uint8_t>(), dx.data<float>());
    const auto results = on_device([&] {
      DeviceActivations<TypeParam> dev_x(x, c.aligned), dev_dy(dy, c.aligned);
      DeviceActivations<TypeParam> dev_y(y.numel(), c.aligned), dev_dx(x.numel(), c.aligned);
      DeviceArray<std::uint8_t> dev_winner(y.numel());
      kernels::max_pool_forward(cuda_test_context(), s, dev_x.get(), dev_y.get(), dev_winner.get());
      kernels::max_pool_backward(cuda_test_context(), s, dev_dy.get(), dev_winner.get(),
                                 dev_dx.get());
      return std::vector{dev_y.to_tensor(y.shape()), dev_winner.to_tensor(y.shape()),
                         dev_dx.to_tensor(x.shape())};
    });
    EXPECT_TRUE(same_bits(results[0], y));
    EXPECT_TRUE(same_bits(results[1], winner));
    EXPECT_LE(relative_error(results[2], dx), kActivationTolerance<TypeParam>);
  }
}

TYPED_TEST(PoolCuda, MaxPoolLetsNanWin) {
  const kernels::PoolShape s{1, 2, 2, 8, 2, 2, 0};
  const float nan = std::numeric_limits<float>::quiet_NaN();
  Tensor x = random_normal({1, 2, 2, 8}, 1);
  x.data<float>()[8] = nan;  // pixel 1 of channel 0
  x.data<float>()[1] = nan;  // two of channel 1: pixels 0 and 2
  x.data<float>()[17] = nan;
  std::vector<std::uint8_t> expected(8);
  Tensor y = Tensor::empty({8});
  kernels::max_pool_forward(cpu_context(), s, x.data<float>(), y.data<float>(), expected.data());
  DeviceActivations<TypeParam> dev_x(x, true), dev_y(8, true);
  DeviceArray<std::uint8_t> dev_winner(8);
  kernels::max_pool_forward(cuda_test_context(), s, dev_x.get(), dev_y.get(), dev_winner.get());
  EXPECT_EQ(dev_winner.to_host()[0], expected[0]);
  EXPECT_EQ(dev_winner.to_host()[1], expected[1]);
  EXPECT_TRUE(std::isnan(dev_y.to_tensor({8}).template data<float>()[0]));
}

TYPED_TEST(PoolCuda, GlobalAvgPoolEqualsTheCpu) {
  struct Images {
    std::int64_t n, pixels, c;
    bool aligned = true;
  };
  // Fewer and more pixels than a block's slices; one tile of channels and several.
  for (const auto& [n, pixels, c, aligned] :
       {Images{3, 16, 512}, Images{2, 64, 16}, Images{2, 700, 24}, Images{1, 49, 328},
        Images{2, 5, 7}, Images{1, 1, 1}, Images{2, 16, 40, false}, Images{0, 16, 8}}) {
    SCOPED_TRACE(std::to_string(pixels) + " x " + std::to_string(c));
    const Tensor x = random_normal({n, pixels, c}, 1), dy = random_normal({n, c}, 2);
    Tensor y = Tensor::empty({n, c}), dx = Tensor::empty_like(x);
    kernels::global_avg_pool_forward(cpu_context(), n, pixels, c,
                                     rounded<TypeParam>(x).template data<float>(), y.data<float>());
    kernels::global_avg_pool_backward(cpu_context(), n, pixels, c, dy.data<float>(),
                                      dx.data<float>());
    const auto results = on_device([&, n = n, pixels = pixels, c = c, aligned = aligned] {
      DeviceActivations<TypeParam> dev_x(x, aligned), dev_dx(x.numel(), aligned);
      DeviceActivations<float> dev_dy(dy, aligned), dev_y(n * c, aligned);
      kernels::global_avg_pool_forward(cuda_test_context(), n, pixels, c, dev_x.get(), dev_y.get());
      kernels::global_avg_pool_backward(cuda_test_context(), n, pixels, c, dev_dy.get(),
                                        dev_dx.get());
      return std::vector{dev_y.to_tensor({n, c}), dev_dx.to_tensor({n, pixels, c})};
    });
    EXPECT_LE(relative_error(results[0], y), 1e-6);
    EXPECT_LE(relative_error(results[1], dx), kActivationTolerance<TypeParam>);
  }
}

}  // namespace
}  // namespace bptplr
