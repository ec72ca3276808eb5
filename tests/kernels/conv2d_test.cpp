// Convolutions on several chunks of images, with channels that fill no vector register, against the
// plain loops in double precision.
#include "kernels/conv2d.hpp"

#include "tests/kernels/support.hpp"

namespace bptplr {
namespace {

struct Case {
  std::int64_t n, side, c, k, kernel, stride;
};

class Conv2d : public testing::TestWithParam<Case> {
 protected:
  kernels::Conv2dShape shape() const {
    const Case& p = GetParam();
    return {p.n, p.side, p.side, p.c, p.k, p.kernel, p.stride, p.kernel / 2};
  }
};

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

TEST_P(Conv2d, EqualsPlainLoops) {
  const Results fast = convolve<float>(shape(), DType::kFloat32);
  const Results exact = convolve<double>(shape(), DType::kFloat64);
  EXPECT_LT(relative_error(fast.y, exact.y), 1e-5);
  EXPECT_LT(relative_error(fast.dx, exact.dx), 1e-5);
  EXPECT_LT(relative_error(fast.dw, exact.dw), 1e-5);
}

TEST_P(Conv2d, SameBitsForAnyNumberOfThreads) {
  expect_same_for_any_threads([&] {
    const Results results = convolve<float>(shape(), DType::kFloat32);
    return std::vector{results.y, results.dx, results.dw};
  });
}

INSTANTIATE_TEST_SUITE_P(Shapes, Conv2d,
                         testing::Values(Case{40, 16, 3, 4, 1, 2}, Case{40, 16, 4, 8, 1, 2},
                                         Case{33, 15, 4, 6, 1, 2}, Case{40, 16, 4, 4, 3, 1},
                                         Case{40, 16, 3, 5, 3, 2}, Case{9, 7, 1, 1, 1, 1},
                                         Case{21, 8, 32, 40, 3, 1}));

}  // namespace
}  // namespace bptplr
