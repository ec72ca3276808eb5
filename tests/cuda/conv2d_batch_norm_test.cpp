// Convolutions with the statistics of their result, or normalised, against the same one after the
// other: what is written must be equal, statistics those of what is written.
#include "kernels/conv2d_batch_norm.hpp"

#include <fmt/format.h>

#include "kernels/cuda/conv2d/tensor_core.hpp"
#include "kernels/elementwise.hpp"
#include "tests/cuda/convolutions.hpp"

namespace bptplr {
namespace {

using kernels::BatchNormShape;
using kernels::Conv2dShape;
using kernels::FixedBatchNorm;

constexpr float kEps = 1e-5F;

struct Case {
  Conv2dShape shape;
  std::int64_t groups;
};

/// Groups that end within a tile and with one; tiles with one row of a thread, and with several
/// chunks in a group; channels that fill no tile, and such as need several; one pixel an image.
const std::vector<Case> kCases{
    {{2, 7, 5, 8, 24, 3, 1, 1}, 2},    {{6, 9, 8, 24, 136, 3, 2, 1}, 3},
    {{4, 16, 16, 16, 72, 1, 1, 0}, 2}, {{1, 8, 8, 8, 64, 3, 1, 1}, 1},
    {{2, 16, 16, 8, 128, 1, 1, 0}, 1}, {{6, 1, 1, 8, 8, 3, 2, 1}, 3},
};

std::string describe(const Case& c, int tiling) {
  return fmt::format("{} x {} x {} x {} to {}, kernel {}, stride {}, {} groups, tiling {}",
                     c.shape.n, c.shape.h, c.shape.w, c.shape.c, c.shape.k, c.shape.kernel,
                     c.shape.stride, c.groups, tiling);
}

/// x, w, addend, and what normalises, as values of T. The addend's channels differ in their mean by
/// much more than they vary.
template <class T>
struct Inputs {
  Tensor x, w, addend, mean, variance, weight, bias;

  explicit Inputs(const Conv2dShape& s)
      : x(rounded<T>(random_normal({s.n, s.h, s.w, s.c}, 1))),
        w(rounded<T>(random_normal({s.k, s.kernel, s.kernel, s.c}, 2))),
        addend(random_normal({s.n, s.out_h(), s.out_w(), s.k}, 3)),
        mean(random_normal({s.k}, 4)),
        variance(random_unit_rows(1, s.k, 5)),
        weight(random_normal({s.k}, 6)),
        bias(random_normal({s.k}, 7)) {
    for (std::int64_t i = 0; i < addend.numel(); ++i) {
      addend.data<float>()[i] += static_cast<float>(i % s.k % 5) * 100.0F;
    }
    addend = rounded<T>(addend);
    for (std::int64_t i = 0; i < variance.numel(); ++i) {
      float& value = variance.data<float>()[i];
      value = value * value + 0.1F;
    }
  }
};

/// conv2d + addend by the kernels of their own, as values of T.
template <class T, class Convolve>
Tensor one_after_the_other(const Conv2dShape& s, const Inputs<T>& in, bool adds,
                           Convolve&& convolve) {
  DeviceActivations<T> x(in.x, true), w(in.w, true), addend(in.addend, true);
  DeviceActivations<T> y(in.addend.numel(), true);
  convolve(x.get(), w.get(), y.get());
  if (adds) {
    kernels::add(cuda_test_context(), y.get(), addend.get(), y.get(), in.addend.numel());
  }
  return y.to_tensor({s.n, s.out_h(), s.out_w(), s.k});
}

/// Expects mean and variance to be those of y, in double precision.
void expect_statistics_of(const Tensor& y, const BatchNormShape& s, const Tensor& mean,
                          const Tensor& variance) {
  Tensor expected_mean = Tensor::empty({s.groups, s.channels}, DType::kFloat64);
  Tensor expected_variance = Tensor::empty_like(expected_mean);
  kernels::batch_norm_statistics(cpu_context(), s, y.to(DType::kFloat64).data<double>(),
                                 expected_mean.data<double>(), expected_variance.data<double>());
  EXPECT_LT(relative_error(mean, expected_mean), 1e-6);
  EXPECT_LT(relative_error(variance, expected_variance), 1e-6);
}

/// Expects `expected` and its statistics of what `compute(x, w, addend or null, y, mean, variance)`
/// writes.
template <class T, class Compute>
void expect_statistics(const Case& c, bool adds, const Tensor& expected, const Inputs<T>& in,
                       Compute&& compute) {
  const BatchNormShape norm = kernels::batch_norm_shape(c.shape, c.groups);
  const auto results = on_device([&] {
    DeviceActivations<T> x(in.x, true), w(in.w, true), addend(in.addend, true);
    DeviceActivations<T> y(expected.numel(), true);
    DeviceArray<float> mean(c.groups * c.shape.k), variance(c.groups * c.shape.k);
    compute(x.get(), w.get(), adds ? addend.get() : nullptr, y.get(), mean.get(), variance.get());
    return std::vector{y.to_tensor(expected.shape()), mean.to_tensor({c.groups, c.shape.k}),
                       variance.to_tensor({c.groups, c.shape.k})};
  });
  EXPECT_TRUE(same_bits(results[0], expected));
  expect_statistics_of(results[0], norm, results[1], results[2]);
}

/// batch_norm of `sum` by the CPU.
template <class T>
Tensor normalized_by_cpu(const Conv2dShape& s, const Inputs<T>& in, const Tensor& sum, bool relu) {
  BatchNormShape rows = kernels::batch_norm_shape(s, 1);
  rows.relu = relu;
  Tensor y = Tensor::empty_like(sum);
  const auto data = [](const Tensor& values) { return values.data<float>(); };
  kernels::batch_norm_normalize(cpu_context(), rows, data(sum), data(in.mean), data(in.variance),
                                data(in.weight), data(in.bias), kEps, y.data<float>());
  return y;
}

/// Expects batch_norm of `sum` of what `compute(x, w, addend or null, norm, sum or null, y)`
/// writes; with a ReLU where something is added.
template <class T, class Compute>
void expect_normalized(const Case& c, bool adds, bool wants_sum, const Tensor& sum,
                       const Inputs<T>& in, Compute&& compute) {
  const Tensor expected = normalized_by_cpu(c.shape, in, sum, adds);
  const auto results = on_device([&] {
    DeviceActivations<T> x(in.x, true), w(in.w, true), addend(in.addend, true);
    DeviceActivations<T> y(sum.numel(), true), z(sum.numel(), true);
    DeviceArray<float> mean(in.mean), variance(in.variance), weight(in.weight), bias(in.bias);
    const FixedBatchNorm<float> norm{mean, variance, weight, bias, kEps, adds};
    compute(x.get(), w.get(), adds ? addend.get() : nullptr, norm, wants_sum ? z.get() : nullptr,
            y.get());
    std::vector<Tensor> written{y.to_tensor(sum.shape())};
    if (wants_sum) written.push_back(z.to_tensor(sum.shape()));
    return written;
  });
  EXPECT_LT(relative_error(results[0], expected), kActivationTolerance<T>);
  if (wants_sum) {
    EXPECT_TRUE(same_bits(results[1], sum));
  }
}

TEST(Conv2dBatchNormTensorCore, EqualsOneAfterTheOtherInAnyOrderOfThreads) {
  const auto ctx = cuda_test_context();
  for (const Case& c : kCases) {
    const Conv2dShape& s = c.shape;
    ASSERT_TRUE(kernels::tensor_cores_can(s));
    const Inputs<bfloat16> in(s);
    for (int tiling = 0; tiling < kernels::gather_tilings(ctx); ++tiling) {
      const bool adds = tiling % 2 == 0;
      SCOPED_TRACE(describe(c, tiling));
      const Tensor sum = one_after_the_other<bfloat16>(s, in, adds, [&](auto* x, auto* w, auto* y) {
        kernels::tensor_core_forward(ctx, s, tiling, x, w, y);
      });
      expect_statistics<bfloat16>(c, adds, sum, in, [&](auto... arrays) {
        kernels::tensor_core_forward_statistics(ctx, s, tiling, c.groups, arrays...);
      });
      expect_normalized<bfloat16>(c, adds, tiling % 4 < 2, sum, in, [&](auto... arrays) {
        kernels::tensor_core_forward_normalized(ctx, s, tiling, arrays...);
      });
    }
  }
}

template <class T>
class Conv2dBatchNormCuda : public testing::Test {};
TYPED_TEST_SUITE(Conv2dBatchNormCuda, ActivationTypes);

/// A shape that is the library's.
TYPED_TEST(Conv2dBatchNormCuda, EqualsOneAfterTheOther) {
  using T = TypeParam;
  const auto ctx = cuda_test_context();
  const Case c{{2, 7, 5, 3, 8, 3, 1, 1}, 2};
  const Inputs<T> in(c.shape);
  for (const bool adds : {true, false}) {
    const Tensor sum = one_after_the_other<T>(c.shape, in, adds, [&](auto* x, auto* w, auto* y) {
      kernels::conv2d_forward(ctx, c.shape, x, w, y);
    });
    expect_statistics<T>(c, adds, sum, in, [&](auto... arrays) {
      kernels::conv2d_statistics<kernels::CudaContext, T>(ctx, c.shape, c.groups, arrays...);
    });
    for (const bool wants_sum : {true, false}) {
      expect_normalized<T>(c, adds, wants_sum, sum, in, [&](auto... arrays) {
        kernels::conv2d_normalized<kernels::CudaContext, T>(ctx, c.shape, arrays...);
      });
    }
  }
}

/// A shape that is worth measuring: every way has been gone, and what remains is right.
TEST(Conv2dBatchNormCudaBfloat16, TakesTheFastestWay) {
  const auto ctx = cuda_test_context();
  const Case c{{2, 16, 16, 32, 64, 3, 1, 1}, 2};
  const Inputs<bfloat16> in(c.shape);
  DeviceActivations<bfloat16> x(in.x, true), w(in.w, true), addend(in.addend, true);
  DeviceActivations<bfloat16> y(in.addend.numel(), true), sum(in.addend.numel(), true);
  DeviceArray<float> mean(in.mean), variance(in.variance), weight(in.weight), bias(in.bias);
  DeviceArray<float> batch_mean(c.groups * c.shape.k), batch_variance(c.groups * c.shape.k);
  const Tensor expected = one_after_the_other<bfloat16>(
      c.shape, in, true,
      [&](auto* from, auto* by, auto* to) { kernels::conv2d_forward(ctx, c.shape, from, by, to); });
  kernels::conv2d_statistics<kernels::CudaContext, bfloat16>(ctx, c.shape, c.groups, x, w, addend,
                                                             y, batch_mean, batch_variance);
  const Tensor computed = y.to_tensor(expected.shape());
  EXPECT_LT(relative_error(computed, expected), kActivationTolerance<bfloat16>);
  expect_statistics_of(computed, kernels::batch_norm_shape(c.shape, c.groups),
                       batch_mean.to_tensor({c.groups, c.shape.k}),
                       batch_variance.to_tensor({c.groups, c.shape.k}));
  const FixedBatchNorm<float> norm{mean, variance, weight, bias, kEps, true};
  kernels::conv2d_normalized<kernels::CudaContext, bfloat16>(ctx, c.shape, x, w, addend, norm, sum,
                                                             y);
  EXPECT_LT(relative_error(sum.to_tensor(expected.shape()), expected),
            kActivationTolerance<bfloat16>);
  EXPECT_LT(
      relative_error(y.to_tensor(expected.shape()), normalized_by_cpu(c.shape, in, expected, true)),
      kActivationTolerance<bfloat16>);
}

}  // namespace
}  // namespace bptplr
