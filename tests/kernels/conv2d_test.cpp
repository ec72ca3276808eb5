// Convolutions of all kinds that kernels/cpu/conv2d tells apart, with channels that fill no vector
// register, against the plain loops in double precision.
#include "kernels/conv2d.hpp"

#include <algorithm>
#include <ostream>

#include "kernels/cpu/conv2d/winograd.hpp"
#include "tests/kernels/support.hpp"

namespace bptplr {
namespace {

struct Results {
  Tensor y, dx, dw;
};

template <class T>
Results convolve(const kernels::Conv2dShape& s, DType dtype) {
  const Tensor x = random_normal({s.n, s.h, s.w, s.c}, 1, 1.0, dtype);
  const Tensor w = random_normal({s.k, s.kernel, s.kernel, s.c}, 2, 1.0, dtype);
  const Tensor dy = random_normal({s.n, s.out_h(), s.out_w(), s.k}, 3, 1.0, dtype);
  Results results{Tensor::empty_like(dy), Tensor::empty_like(x), Tensor::empty_like(w)};
  kernels::conv2d_forward(cpu_context(), s, x.data<T>(), w.data<T>(), results.y.data<T>());
  kernels::conv2d_backward_data(cpu_context(), s, dy.data<T>(), w.data<T>(), results.dx.data<T>());
  kernels::conv2d_backward_weights(cpu_context(), s, x.data<T>(), dy.data<T>(),
                                   results.dw.data<T>(), nullptr);
  return results;
}

class Conv2d : public testing::TestWithParam<kernels::Conv2dShape> {};

TEST_P(Conv2d, EqualsPlainLoops) {
  const Results fast = convolve<float>(GetParam(), DType::kFloat32);
  const Results exact = convolve<double>(GetParam(), DType::kFloat64);
  // Winograd's error is a few times that of direct convolution, 2e-6 at most on these shapes.
  EXPECT_LT(relative_error(fast.y, exact.y), 5e-6);
  EXPECT_LT(relative_error(fast.dx, exact.dx), 5e-6);
  EXPECT_LT(relative_error(fast.dw, exact.dw), 5e-6);
}

TEST_P(Conv2d, SameBitsForAnyNumberOfThreads) {
  expect_same_for_any_threads([&] {
    const Results results = convolve<float>(GetParam(), DType::kFloat32);
    return std::vector{results.y, results.dx, results.dw};
  });
}

using Shape2d = kernels::Conv2dShape;

// {images, height, width, input channels, output channels, kernel, stride, padding}
INSTANTIATE_TEST_SUITE_P(
    Winograd, Conv2d,
    testing::Values(Shape2d{9, 8, 8, 16, 16, 3, 1, 1},  // whole tiles
                    Shape2d{3, 7, 9, 16, 24, 3, 1, 1},  // tiles that images do not fill
                    Shape2d{3, 9, 7, 48, 16, 3, 1, 1}, Shape2d{2, 14, 11, 16, 16, 3, 1, 1},
                    Shape2d{2, 13, 5, 20, 44, 3, 1, 1},    // vectors that channels do not fill
                    Shape2d{21, 8, 8, 32, 40, 3, 1, 1},    // sums of the weights in common
                    Shape2d{1, 60, 100, 16, 16, 3, 1, 1},  // more tiles in a row than in a block
                    Shape2d{5, 8, 8, 176, 180, 3, 1, 1},   // more weights than a cache holds
                    Shape2d{3, 4, 4, 364, 368, 3, 1, 1},   // more sums than a cache holds
                    Shape2d{37, 2, 2, 16, 24, 3, 1, 1},    // tiles of 2 x 2
                    Shape2d{5, 1, 2, 64, 64, 3, 1, 1}));
INSTANTIATE_TEST_SUITE_P(
    Direct, Conv2d,
    testing::Values(Shape2d{40, 16, 16, 4, 4, 3, 1, 1}, Shape2d{40, 16, 16, 3, 5, 3, 2, 1},
                    Shape2d{9, 32, 32, 3, 16, 3, 1, 1}, Shape2d{2, 37, 41, 3, 20, 7, 2, 3},
                    Shape2d{7, 9, 8, 72, 80, 3, 2, 1},  // pixels that lie apart in copies
                    Shape2d{3, 6, 7, 16, 16, 3, 1, 0}, Shape2d{3, 6, 7, 5, 3, 3, 1, 2},
                    Shape2d{2, 11, 9, 6, 10, 5, 3, 2}, Shape2d{2, 10, 6, 6, 10, 2, 2, 0},
                    Shape2d{2, 3, 3, 4, 4, 3, 4, 0}));
INSTANTIATE_TEST_SUITE_P(
    OneTap, Conv2d,
    testing::Values(Shape2d{40, 16, 16, 3, 4, 1, 2, 0}, Shape2d{33, 15, 15, 4, 6, 1, 2, 0},
                    Shape2d{9, 7, 7, 1, 1, 1, 1, 0}, Shape2d{6, 4, 4, 72, 130, 1, 1, 0},
                    Shape2d{3, 5, 4, 8, 8, 1, 1, 1}, Shape2d{1, 1, 1, 8, 8, 1, 1, 0}));

TEST(Conv2dShapes, TellsWinogradFromDirect) {
  using kernels::conv::prefers_winograd;
  EXPECT_TRUE(prefers_winograd({9, 8, 8, 16, 16, 3, 1, 1}));
  EXPECT_TRUE(prefers_winograd({1, 2, 2, 512, 512, 3, 1, 1}));
  EXPECT_TRUE(prefers_winograd({1, 7, 7, 512, 512, 3, 1, 1}));
  EXPECT_FALSE(prefers_winograd({9, 32, 32, 3, 64, 3, 1, 1}));
  EXPECT_FALSE(prefers_winograd({9, 8, 8, 64, 64, 3, 2, 1}));
  EXPECT_FALSE(prefers_winograd({9, 8, 8, 64, 64, 1, 1, 0}));
}

TEST(Conv2dShapes, NoImages) {
  const kernels::Conv2dShape s{0, 8, 8, 16, 16, 3, 1, 1};
  const Results results = convolve<float>(s, DType::kFloat32);
  const float* dw = results.dw.data<float>();
  EXPECT_TRUE(std::all_of(dw, dw + s.weights(), [](float value) { return value == 0.0F; }));
}

}  // namespace
}  // namespace bptplr
