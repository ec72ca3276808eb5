#include "kernels/batch_norm.hpp"

#include <cmath>
#include <span>

#include "kernels/elementwise.hpp"
#include "tests/cuda/activations.hpp"

namespace bptplr {
namespace {

using kernels::BatchNormShape;

constexpr float kEps = 1e-5f;

struct Case {
  BatchNormShape shape;
  bool aligned = true;
};

/// One tile of channels and several, a ragged last one, fewer rows than slices, several chunks;
/// vectors that a block's threads do not divide into.
std::vector<Case> cases(bool relu) {
  return {{{1, 1, 1, relu}},    {{3, 5, 3, relu}},     {{2, 64, 16, relu}},
          {{1, 90, 328, relu}}, {{1, 1100, 32, relu}}, {{2, 100, 24, relu}, false}};
}

/// Chunks of two batches, the second not whole in the last.
constexpr Case kSeveralBatches{{4, 4290, 33, true}};

std::string describe(const Case& c) {
  return std::to_string(c.shape.groups) + " x " + std::to_string(c.shape.rows) + " x " +
         std::to_string(c.shape.channels) + (c.aligned ? "" : " unaligned");
}

Shape activations(const BatchNormShape& s) {
  return {s.groups, s.rows, s.channels};
}
Shape statistics(const BatchNormShape& s) {
  return {s.groups, s.channels};
}

/// Mean and variance by the CPU's kernel, in the type of x.
template <class U>
std::vector<Tensor> cpu_statistics(const BatchNormShape& s, const Tensor& x) {
  Tensor mean = Tensor::empty(statistics(s), x.dtype());
  Tensor variance = Tensor::empty(statistics(s), x.dtype());
  kernels::batch_norm_statistics(cpu_context(), s, x.data<U>(), mean.data<U>(), variance.data<U>());
  return {mean, variance};
}

template <class T>
std::vector<Tensor> gpu_statistics(const Case& c, const Tensor& x) {
  const BatchNormShape& s = c.shape;
  DeviceActivations<T> dev_x(x, c.aligned);
  DeviceArray<float> mean(s.groups * s.channels), variance(s.groups * s.channels);
  kernels::batch_norm_statistics(cuda_test_context(), s, dev_x.get(), mean.get(), variance.get());
  return {mean.to_tensor(statistics(s)), variance.to_tensor(statistics(s))};
}

/// Expects what double precision gives.
void expect_statistics(const BatchNormShape& s, const Tensor& x, const Tensor& mean,
                       const Tensor& variance, double tolerance) {
  const auto expected = cpu_statistics<double>(s, x.to(DType::kFloat64));
  EXPECT_LT(relative_error(mean, expected[0]), 1e-6);
  EXPECT_LT(relative_error(variance, expected[1]), tolerance);
}

template <class T>
class BatchNormCuda : public testing::Test {};
TYPED_TEST_SUITE(BatchNormCuda, ActivationTypes);

TYPED_TEST(BatchNormCuda, StatisticsEqualTheCpu) {
  for (const Case& c : cases(false)) {
    SCOPED_TRACE(describe(c));
    const BatchNormShape& s = c.shape;
    const Tensor x = rounded<TypeParam>(random_normal(activations(s), 1));
    const auto results = on_device([&] { return gpu_statistics<TypeParam>(c, x); });
    expect_statistics(s, x, results[0], results[1], 1e-6);
  }
}

TYPED_TEST(BatchNormCuda, AddStatisticsAreThoseOfTheSum) {
  for (const Case& c : {Case{{2, 1100, 32}}, Case{{2, 37, 7}}, Case{{1, 50, 16}, false}}) {
    SCOPED_TRACE(describe(c));
    const BatchNormShape& s = c.shape;
    const Tensor a = rounded<TypeParam>(random_normal(activations(s), 1));
    const Tensor b = rounded<TypeParam>(random_normal(activations(s), 2));
    Tensor sum = Tensor::empty_like(a);
    kernels::add(cpu_context(), a.data<float>(), b.data<float>(), sum.data<float>(), sum.numel());
    sum = rounded<TypeParam>(sum);
    const auto results = on_device([&] {
      DeviceActivations<TypeParam> dev_a(a, c.aligned), dev_b(b, c.aligned);
      DeviceActivations<TypeParam> dev_sum(sum.numel(), c.aligned);
      DeviceArray<float> mean(s.groups * s.channels), variance(s.groups * s.channels);
      kernels::batch_norm_add_statistics(cuda_test_context(), s, dev_a.get(), dev_b.get(),
                                         dev_sum.get(), mean.get(), variance.get());
      kernels::batch_norm_add_statistics(cuda_test_context(), s, dev_a.get(), dev_b.get(),
                                         dev_a.get(), mean.get(), variance.get());
      return std::vector{dev_sum.to_tensor(sum.shape()), dev_a.to_tensor(sum.shape()),
                         mean.to_tensor(statistics(s)), variance.to_tensor(statistics(s))};
    });
    EXPECT_TRUE(same_bits(results[0], sum));
    EXPECT_TRUE(same_bits(results[1], sum)) << "in place";
    expect_statistics(s, sum, results[2], results[3], 1e-6);
  }
}

TEST(BatchNormCudaOnce, StatisticsKeepTheirDigitsWhereTheMeanIsLarge) {
  const Case c{{2, 1500, 12}};
  const BatchNormShape& s = c.shape;
  Tensor x = random_normal(activations(s), 1);
  for (std::int64_t i = 0; i < x.numel(); ++i) x.data<float>()[i] += i % 2 == 0 ? 1000.0f : -300.0f;
  x.data<float>()[0] = 5000.0f;  // an outlier where a shifted sum would take its shift
  const auto results = on_device([&] { return gpu_statistics<float>(c, x); });
  expect_statistics(s, x, results[0], results[1], 1e-5);
}

TEST(BatchNormCudaOnce, MergedStatisticsEqualTheCpus) {
  const BatchNormShape s{2, 0, 150};
  const std::vector<std::int64_t> rows{7, 0, 30};
  const Tensor own = random_unit_rows(3 * 2 * s.groups, s.channels, 5);
  Tensor mean = Tensor::empty(statistics(s)), variance = Tensor::empty(statistics(s));
  kernels::batch_norm_merge_statistics(cpu_context(), s, 3, rows.data(), own.data<float>(),
                                       mean.data<float>(), variance.data<float>());
  const auto results = on_device([&] {
    DeviceArray<float> dev_own(own), dev_mean(mean.numel()), dev_variance(mean.numel());
    DeviceArray<std::int64_t> dev_rows(Tensor::from(rows, {3}));
    kernels::batch_norm_merge_statistics(cuda_test_context(), s, 3, dev_rows.get(), dev_own.get(),
                                         dev_mean.get(), dev_variance.get());
    return std::vector{dev_mean.to_tensor(statistics(s)), dev_variance.to_tensor(statistics(s))};
  });
  EXPECT_LT(relative_error(results[0], mean), 1e-7);
  EXPECT_LT(relative_error(results[1], variance), 1e-7);
}

TEST(BatchNormCudaOnce, UpdateRunningEqualsTheCpu) {
  for (const BatchNormShape& s : {BatchNormShape{3, 50, 200}, BatchNormShape{1, 1, 5}}) {
    const Tensor mean = random_normal(statistics(s), 1), start = random_normal({s.channels}, 2);
    const Tensor variance = random_unit_rows(s.groups, s.channels, 3);
    Tensor running_mean = start.clone(), running_variance = start.clone();
    kernels::batch_norm_update_running(cpu_context(), s, mean.data<float>(), variance.data<float>(),
                                       0.1f, running_mean.data<float>(),
                                       running_variance.data<float>());
    const auto results = on_device([&] {
      DeviceArray<float> dev_mean(mean), dev_variance(variance), run_mean(start), run_var(start);
      kernels::batch_norm_update_running(cuda_test_context(), s, dev_mean.get(), dev_variance.get(),
                                         0.1f, run_mean.get(), run_var.get());
      return std::vector{run_mean.to_tensor(start.shape()), run_var.to_tensor(start.shape())};
    });
    EXPECT_LT(relative_error(results[0], running_mean), 1e-6);
    EXPECT_LT(relative_error(results[1], running_variance), 1e-6);
  }
}

// --- Normalisation and gradients ----------------------------------------------------------------

/// What goes into a layer, as values of type T, and the CPU's statistics of it.
struct Inputs {
  Tensor x, dy, more_dy, weight, bias, mean, variance;

  template <class T>
  static Inputs random(const BatchNormShape& s, const T*, double offset = 0.0) {
    const auto normal = [&](std::uint32_t stream) {
      return rounded<T>(random_normal(activations(s), stream));
    };
    Inputs in{normal(1),
              normal(2),
              normal(3),
              random_normal({s.channels}, 4),
              random_normal({s.channels}, 5),
              {},
              {}};
    for (float& value : std::span(in.x.data<float>(), static_cast<std::size_t>(in.x.numel()))) {
      value += static_cast<float>(offset);
    }
    const auto found = cpu_statistics<float>(s, in.x);
    in.mean = found[0];
    in.variance = found[1];
    return in;
  }
};

/// What of the inputs a call uses.
struct Options {
  bool training, two_gradients;
};

enum Result { kY, kDx, kDweight, kDbias };

/// All results, with the CPU's kernels one after the other.
std::vector<Tensor> on_cpu(const BatchNormShape& s, const Options& options, const Inputs& in) {
  const auto ctx = cpu_context();
  Tensor y = Tensor::empty_like(in.x), dy = in.dy.clone(), dx = Tensor::empty_like(in.x);
  Tensor dweight = Tensor::empty({s.channels}), dbias = Tensor::empty({s.channels});
  kernels::batch_norm_normalize(ctx, s, in.x.data<float>(), in.mean.data<float>(),
                                in.variance.data<float>(), in.weight.data<float>(),
                                in.bias.data<float>(), kEps, y.data<float>());
  if (options.two_gradients) {
    kernels::add(ctx, dy.data<float>(), in.more_dy.data<float>(), dy.data<float>(), dy.numel());
  }
  const float* none = nullptr;
  const kernels::BatchNormGradient<float> gradient{in.x.data<float>(),
                                                   dy.data<float>(),
                                                   none,
                                                   in.mean.data<float>(),
                                                   in.variance.data<float>(),
                                                   in.weight.data<float>(),
                                                   in.bias.data<float>(),
                                                   kEps};
  Tensor sums = Tensor::empty({2, s.groups, s.channels}, DType::kFloat64);
  kernels::batch_norm_backward_sums(ctx, s, gradient, sums.data<double>(), dweight.data<float>(),
                                    dbias.data<float>());
  kernels::batch_norm_backward_input(ctx, s, options.training ? s.rows : 0, gradient,
                                     sums.data<double>(), dx.data<float>());
  return {y, dx, dweight, dbias};
}

/// The same on the device; in_place: y over x, dx over more_dy or dy.
template <class T>
std::vector<Tensor> on_gpu(const Case& c, const Options& options, const Inputs& in, bool in_place) {
  return on_device([&] {
    const auto ctx = cuda_test_context();
    const BatchNormShape& s = c.shape;
    DeviceActivations<T> x(in.x, c.aligned), over_x(in.x, c.aligned), dy(in.dy, c.aligned);
    DeviceActivations<T> more_dy(in.more_dy, c.aligned);
    DeviceActivations<T> y(in.x.numel(), c.aligned), dx(in.x.numel(), c.aligned);
    DeviceArray<float> mean(in.mean), variance(in.variance), weight(in.weight), bias(in.bias);
    DeviceArray<float> dweight(s.channels), dbias(s.channels);
    DeviceActivations<T>& to_y = in_place ? over_x : y;
    DeviceActivations<T>& to_dx = in_place ? (options.two_gradients ? more_dy : dy) : dx;
    kernels::batch_norm_normalize(ctx, s, in_place ? over_x.get() : x.get(), mean.get(),
                                  variance.get(), weight.get(), bias.get(), kEps, to_y.get());
    const kernels::BatchNormGradient<T> gradient{x.get(),
                                                 dy.get(),
                                                 options.two_gradients ? more_dy.get() : nullptr,
                                                 mean.get(),
                                                 variance.get(),
                                                 weight.get(),
                                                 bias.get(),
                                                 kEps};
    DeviceArray<double> sums(2 * s.groups * s.channels);
    kernels::batch_norm_backward_sums(ctx, s, gradient, sums.get(), dweight.get(), dbias.get());
    kernels::batch_norm_backward_input(ctx, s, options.training ? s.rows : 0, gradient, sums.get(),
                                       to_dx.get());
    const Shape shape = activations(s);
    return std::vector{to_y.to_tensor(shape), to_dx.to_tensor(shape),
                       dweight.to_tensor({s.channels}), dbias.to_tensor({s.channels})};
  });
}

template <class T>
void expect_same(const Case& c, const Options& options, const Inputs& in, bool in_place,
                 double tolerance) {
  SCOPED_TRACE(describe(c) + (options.training ? " training" : "") +
               (options.two_gradients ? " two gradients" : "") + (in_place ? " in place" : ""));
  const auto expected = on_cpu(c.shape, options, in);
  const auto results = on_gpu<T>(c, options, in, in_place);
  const double rounding = std::max(kActivationTolerance<T>, tolerance);
  EXPECT_LT(relative_error(results[kY], expected[kY]), rounding);
  EXPECT_LT(relative_error(results[kDx], expected[kDx]), rounding);
  EXPECT_LT(relative_error(results[kDweight], expected[kDweight]), tolerance);
  EXPECT_LT(relative_error(results[kDbias], expected[kDbias]), tolerance);
}

TYPED_TEST(BatchNormCuda, NormalizationAndGradientsEqualTheCpu) {
  for (const Case& c : cases(true)) {
    const auto in = Inputs::random(c.shape, static_cast<TypeParam*>(nullptr));
    expect_same<TypeParam>(c, {true, false}, in, false, 1e-5);
  }
}

TYPED_TEST(BatchNormCuda, EveryOptionEqualsTheCpu) {
  for (const bool relu : {false, true}) {
    const Case c{{2, 70, 24, relu}};
    const auto in = Inputs::random(c.shape, static_cast<TypeParam*>(nullptr));
    for (const bool training : {false, true}) {
      for (const bool two_gradients : {false, true}) {
        for (const bool in_place : {false, true}) {
          expect_same<TypeParam>(c, {training, two_gradients}, in, in_place, 1e-5);
        }
      }
    }
  }
}

TYPED_TEST(BatchNormCuda, EveryOptionEqualsTheCpuUnaligned) {
  const Case c{{1, 9, 5, true}, false};
  const auto in = Inputs::random(c.shape, static_cast<TypeParam*>(nullptr));
  expect_same<TypeParam>(c, {true, true}, in, false, 1e-5);
  expect_same<TypeParam>(c, {false, false}, in, true, 1e-5);
}

TEST(BatchNormCudaOnce, ChunksOfSeveralBatchesEqualTheCpu) {
  const Case& c = kSeveralBatches;
  const auto in = Inputs::random(c.shape, static_cast<float*>(nullptr));
  expect_same<float>(c, {true, false}, in, false, 1e-5);
  const auto results = on_device([&] { return gpu_statistics<float>(c, in.x); });
  expect_statistics(c.shape, in.x, results[0], results[1], 1e-6);
}

TEST(BatchNormCudaOnce, GradientsKeepTheirDigitsWhereTheMeanIsLarge) {
  const Case c{{2, 300, 16, true}};
  const auto in = Inputs::random(c.shape, static_cast<float*>(nullptr), 1000.0);
  expect_same<float>(c, {true, false}, in, false, 5e-5);
}

TEST(BatchNormCudaOnce, WithoutRowsGradientsAreZero) {
  const Case c{{2, 0, 8, true}};
  Inputs in = Inputs::random(c.shape, static_cast<float*>(nullptr));
  in.variance = Tensor::full(statistics(c.shape), 1.0);
  in.mean = Tensor::zeros(statistics(c.shape));
  expect_same<float>(c, {true, true}, in, false, 1e-9);
}

TEST(BatchNormCudaOnce, NanPassesTheRelu) {
  const Case c{{1, 6, 8, true}};
  Inputs in = Inputs::random(c.shape, static_cast<float*>(nullptr));
  in.x.data<float>()[11] = NAN;
  const auto results = on_gpu<float>(c, {false, false}, in, false);
  EXPECT_TRUE(std::isnan(results[kY].data<float>()[11]));
}

}  // namespace
}  // namespace bptplr
