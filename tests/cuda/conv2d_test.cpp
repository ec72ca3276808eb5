#include "kernels/conv2d.hpp"

#include "tests/cuda/convolutions.hpp"

namespace bptplr {
namespace {

using kernels::Conv2dShape;

template <class T>
class Conv2dCuda : public testing::Test {};
TYPED_TEST_SUITE(Conv2dCuda, ActivationTypes);

TYPED_TEST(Conv2dCuda, EqualsPlainLoops) {
  using T = TypeParam;
  constexpr double kTolerance = std::is_same_v<T, float> ? 1e-5 : 4e-3;
  for (const Conv2dShape& s : {Conv2dShape{2, 9, 7, 3, 8, 3, 1, 1},
                               {3, 8, 8, 8, 16, 3, 2, 1},
                               {3, 9, 9, 16, 8, 1, 2, 0},
                               {1, 1, 1, 8, 8, 1, 1, 0},
                               {2, 13, 13, 3, 8, 7, 2, 3}}) {
    SCOPED_TRACE(testing::Message() << s.h << " x " << s.w << ", kernel " << s.kernel);
    const ConvolutionProblem p = make_convolution<T>(s);
    const auto results = on_device([&] {
      const auto ctx = cuda_test_context();
      DeviceActivations<T> x(p.x, true), w(p.w, true), dy(p.dy, true);
      DeviceActivations<T> y(p.y.numel(), true), dx(p.dx.numel(), true), room(p.dw.numel(), true);
      DeviceArray<float> dw(p.dw.numel());
      kernels::conv2d_forward<kernels::CudaContext, T>(ctx, s, x, w, y);
      kernels::conv2d_backward_data<kernels::CudaContext, T>(ctx, s, dy, w, dx);
      kernels::conv2d_backward_weights<kernels::CudaContext, T>(ctx, s, x, dy, dw, room);
      return std::vector{y.to_tensor(p.y.shape()), dx.to_tensor(p.dx.shape()),
                         dw.to_tensor(p.dw.shape())};
    });
    EXPECT_LT(relative_error(results[0], p.y), kTolerance);
    EXPECT_LT(relative_error(results[1], p.dx), kTolerance);
    EXPECT_LT(relative_error(results[2], p.dw), kTolerance);
  }
}

TYPED_TEST(Conv2dCuda, OfNoImagesHasNoWeightGradient) {
  using T = TypeParam;
  const Conv2dShape s{0, 8, 8, 3, 8, 3, 1, 1};
  const auto results = on_device([&] {
    DeviceActivations<T> none(0, true), room(s.weights(), true);
    DeviceArray<float> dw(s.weights());
    kernels::conv2d_backward_weights<kernels::CudaContext, T>(cuda_test_context(), s, none, none,
                                                              dw, room);
    return std::vector{dw.to_tensor({s.weights()})};
  });
  for (const float value : results[0].template span<float>()) EXPECT_EQ(value, 0.0F);
}

/// A shape that is worth measuring: every candidate has run, and what remains is right.
TEST(Conv2dCudaBfloat16, TakesTheFastestOfOursAndTheLibrarys) {
  const Conv2dShape s{1, 16, 16, 64, 64, 3, 1, 1};
  const ConvolutionProblem p = make_convolution<bfloat16>(s);
  const auto ctx = cuda_test_context();
  DeviceActivations<bfloat16> x(p.x, true), w(p.w, true), dy(p.dy, true);
  DeviceActivations<bfloat16> y(p.y.numel(), true), dx(p.dx.numel(), true),
      room(p.dw.numel(), true);
  DeviceArray<float> dw(p.dw.numel());
  for (int call = 0; call < 2; ++call) {
    kernels::conv2d_forward<kernels::CudaContext, bfloat16>(ctx, s, x, w, y);
    kernels::conv2d_backward_data<kernels::CudaContext, bfloat16>(ctx, s, dy, w, dx);
    kernels::conv2d_backward_weights<kernels::CudaContext, bfloat16>(ctx, s, x, dy, dw, room);
    EXPECT_LT(relative_error(y.to_tensor(p.y.shape()), p.y), 4e-3);
    EXPECT_LT(relative_error(dx.to_tensor(p.dx.shape()), p.dx), 4e-3);
#if defined(BPTPLR_SIMT)
    // All candidates take the same time there, so the first is chosen; the library's would be
    // rounded.
    constexpr double kTolerance = 2e-6;
#else
    constexpr double kTolerance = 4e-3;
#endif
    EXPECT_LT(relative_error(dw.to_tensor(p.dw.shape()), p.dw), kTolerance);
  }
}

}  // namespace
}  // namespace bptplr
