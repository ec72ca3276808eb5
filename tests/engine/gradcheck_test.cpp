// The gradient of every differentiable function against central differences in double precision.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "engine/ops.hpp"
#include "engine/random.hpp"
#include "tests/tensor_ops.hpp"

namespace bptplr {
namespace {

using Inputs = std::vector<Tensor>;
using Function = std::function<Tensor(const Inputs&)>;

Tensor random_tensor(Shape shape, std::uint32_t stream) {
  Philox random(1, Purpose::kTest, 0, stream);
  Tensor t = Tensor::empty(std::move(shape), DType::kFloat64);
  for (std::int64_t i = 0; i < t.numel(); ++i) t.data<double>()[i] = random.normal();
  return t;
}

/// d(sum(result * r))/d(input) for a fixed random r, by the tape and by central differences.
void check(const Function& function, Inputs inputs) {
  for (Tensor& input : inputs) input.set_requires_grad(true);
  const Tensor result = function(inputs);
  const Tensor r = random_tensor(result.shape(), 1000);
  backward(result, r);
  const auto value = [&] {
    const NoGrad no_grad;
    const Tensor y = function(inputs);
    double total = 0.0;
    for (std::int64_t i = 0; i < y.numel(); ++i) total += y.data<double>()[i] * r.data<double>()[i];
    return total;
  };
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    ASSERT_TRUE(inputs[k].grad().defined()) << "input " << k;
    double difference = 0.0;
    double norm = 0.0;
    for (std::int64_t i = 0; i < inputs[k].numel(); ++i) {
      double& x = inputs[k].data<double>()[i];
      const double before = x;
      constexpr double kStep = 1e-5;
      x = before + kStep;
      const double up = value();
      x = before - kStep;
      const double down = value();
      x = before;
      const double expected = (up - down) / (2 * kStep);
      const double d = inputs[k].grad().data<double>()[i] - expected;
      difference += d * d;
      norm += expected * expected;
    }
    EXPECT_LT(std::sqrt(difference), 1e-7 * std::max(1.0, std::sqrt(norm))) << "input " << k;
  }
}

TEST(GradCheck, Conv2d) {
  struct Case {
    Shape x, w;
    std::int64_t stride, padding;
  };
  for (const Case& c :
       {Case{{2, 5, 4, 3}, {2, 3, 3, 3}, 1, 1}, Case{{1, 6, 5, 2}, {3, 3, 3, 2}, 2, 1},
        Case{{2, 3, 3, 2}, {4, 1, 1, 2}, 1, 0}, Case{{1, 4, 4, 1}, {2, 1, 1, 1}, 2, 0},
        Case{{1, 8, 7, 2}, {1, 7, 7, 2}, 2, 3}, Case{{1, 1, 1, 1}, {1, 3, 3, 1}, 1, 1}}) {
    check([&](const Inputs& in) { return conv2d(in[0], in[1], c.stride, c.padding); },
          {random_tensor(c.x, 1), random_tensor(c.w, 2)});
  }
}

TEST(GradCheck, Linear) {
  for (const auto& [n, in, out] : {std::array<std::int64_t, 3>{1, 1, 1}, {3, 5, 2}, {4, 2, 7}}) {
    check([](const Inputs& x) { return linear(x[0], x[1], x[2]); },
          {random_tensor({n, in}, 1), random_tensor({out, in}, 2), random_tensor({out}, 3)});
    check([](const Inputs& x) { return linear(x[0], x[1], {}); },
          {random_tensor({n, in}, 1), random_tensor({out, in}, 2)});
  }
}

TEST(GradCheck, BatchNorm) {
  for (const bool training : {true, false}) {
    for (const bool with_relu : {false, true}) {
      for (const std::int64_t groups : {1, 3}) {
        BatchNormOptions options;
        options.training = training;
        options.relu = with_relu;
        options.groups = groups;
        check(
            [&](const Inputs& in) {
              Tensor mean = random_tensor({3}, 7);
              Tensor variance = Tensor::full({3}, 0.7, DType::kFloat64);
              return batch_norm(in[0], in[1], in[2], mean, variance, options);
            },
            {random_tensor({6, 2, 1, 3}, 1), random_tensor({3}, 2), random_tensor({3}, 3)});
      }
    }
  }
}

TEST(GradCheck, ConvolutionWithBatchNorm) {
  for (const bool training : {true, false}) {
    for (const std::int64_t groups : {1, 3}) {
      for (const bool adds : {true, false}) {
        BatchNormOptions options;
        options.training = training;
        options.relu = true;
        options.groups = groups;
        check(
            [&](const Inputs& in) {
              Tensor mean = random_tensor({3}, 7);
              Tensor variance = Tensor::full({3}, 0.7, DType::kFloat64);
              const auto [sum, y] =
                  conv2d_batch_norm({in[0], in[1], 1, 1}, adds ? scale(in[2], 2.0) : Tensor(),
                                    in[3], in[4], mean, variance, options);
              return add(multiply(sum, y), in[2]);
            },
            {random_tensor({6, 2, 1, 2}, 1), random_tensor({3, 3, 3, 2}, 2),
             random_tensor({6, 2, 1, 3}, 3), random_tensor({3}, 4), random_tensor({3}, 5)});
      }
    }
  }
}

/// The gradient of its result reaches it in two parts, in three, or from one reader twice.
TEST(GradCheck, BatchNormWithSeveralReaders) {
  using Readers = std::function<Tensor(const Tensor&)>;
  for (const Readers& readers :
       {Readers([](const Tensor& y) { return add(scale(y, 3.0), y); }),
        Readers([](const Tensor& y) { return add(multiply(y, y), scale(y, 3.0)); }),
        Readers([](const Tensor& y) { return multiply(y, y); })}) {
    check(
        [&](const Inputs& in) {
          Tensor mean = Tensor::zeros({3}, DType::kFloat64);
          Tensor variance = Tensor::full({3}, 1.0, DType::kFloat64);
          BatchNormOptions options;
          options.relu = true;
          return readers(batch_norm(in[0], in[1], in[2], mean, variance, options));
        },
        {random_tensor({6, 2, 1, 3}, 1), random_tensor({3}, 2), random_tensor({3}, 3)});
  }
}

TEST(GradCheck, Pooling) {
  const Inputs x = {random_tensor({2, 5, 5, 3}, 1)};
  check([](const Inputs& in) { return max_pool2d(in[0], 3, 2, 1); }, {x[0].clone()});
  check([](const Inputs& in) { return max_pool2d(in[0], 2, 2, 0); }, {x[0].clone()});
  check([](const Inputs& in) { return global_avg_pool2d(in[0]); }, {x[0].clone()});
  for (const std::int64_t side : {1, 3, 7}) {  // 5 pixels: shared by cells of both
    check([&](const Inputs& in) { return adaptive_avg_pool2d(in[0], side); }, {x[0].clone()});
    check([&](const Inputs& in) { return adaptive_avg_pool2d(in[0], side); },
          {random_tensor({2, 1, 1, 3}, 2)});
  }
}

TEST(GradCheck, AdaptivePoolingRefusesWhatItCannotMake) {
  const Tensor x = random_tensor({1, 2, 2, 3}, 1);
  EXPECT_THROW(adaptive_avg_pool2d(x, 0), Error);
  EXPECT_THROW(adaptive_avg_pool2d(x, 17), Error);
  EXPECT_THROW(adaptive_avg_pool2d(Tensor::zeros({1, 0, 2, 3}), 7), Error);
}

TEST(GradCheck, Elementwise) {
  const Shape shape = {4, 3};
  check([](const Inputs& in) { return relu(in[0]); }, {random_tensor(shape, 1)});
  check([](const Inputs& in) { return leaky_relu(in[0], 0.1); }, {random_tensor(shape, 1)});
  check([](const Inputs& in) { return scale(in[0], -2.5); }, {random_tensor(shape, 1)});
  check([](const Inputs& in) { return sum(in[0]); }, {random_tensor(shape, 1)});
  check([](const Inputs& in) { return add(in[0], in[1]); },
        {random_tensor(shape, 1), random_tensor(shape, 2)});
  check([](const Inputs& in) { return multiply(in[0], in[1]); },
        {random_tensor(shape, 1), random_tensor(shape, 2)});
  check([](const Inputs& in) { return add_(scale(in[0], 2.0), in[1]); },
        {random_tensor(shape, 1), random_tensor(shape, 2)});
}

TEST(GradCheck, DropoutAndBias) {
  const Philox random(1, Purpose::kTest, 5);
  check([&](const Inputs& in) { return dropout(in[0], 0.5, random); }, {random_tensor({3, 7}, 1)});
  check([&](const Inputs& in) { return dropout2d(in[0], 0.25, random); },
        {random_tensor({3, 2, 2, 5}, 1)});
  check([](const Inputs& in) { return add_bias_(scale(in[0], 2.0), in[1]); },
        {random_tensor({2, 3, 1, 5}, 1), random_tensor({5}, 2)});
}

TEST(GradCheck, SoftmaxFamilyAndNormalisation) {
  check(
      [](const Inputs& in) {
        return soft_cross_entropy(in[0], softmax(random_tensor({5, 4}, 2)));
      },
      {random_tensor({5, 4}, 1)});
  check(
      [](const Inputs& in) {
        return cross_entropy(in[0], std::vector<std::int64_t>{0, 3, 3});
      },
      {random_tensor({3, 4}, 1)});
  check([](const Inputs& in) { return l2_normalize(in[0]); }, {random_tensor({5, 7}, 1)});
}

TEST(GradCheck, Structure) {
  check(
      [](const Inputs& in) {
        return concat({in[0], in[1], in[0]});
      },
      {random_tensor({2, 3}, 1), random_tensor({1, 3}, 2)});
  check([](const Inputs& in) { return slice(in[0], 1, 3); }, {random_tensor({4, 2}, 1)});
  check([](const Inputs& in) { return in[0].reshape({3, -1}); }, {random_tensor({2, 3, 2}, 1)});
}

TEST(GradCheck, WholeNetworkWithSharedInput) {
  check(
      [](const Inputs& in) {
        Tensor mean = Tensor::zeros({2}, DType::kFloat64);
        Tensor variance = Tensor::full({2}, 1.0, DType::kFloat64);
        BatchNormOptions options;
        options.relu = true;
        const Tensor h =
            batch_norm(conv2d(in[0], in[1], 1, 1), in[2], in[3], mean, variance, options);
        const Tensor residual = add_(conv2d(h, in[4], 1, 1), h);
        return l2_normalize(linear(global_avg_pool2d(residual), in[5], {}));
      },
      {random_tensor({3, 4, 4, 2}, 1), random_tensor({2, 3, 3, 2}, 2), random_tensor({2}, 3),
       random_tensor({2}, 4), random_tensor({2, 3, 3, 2}, 5), random_tensor({3, 2}, 6)});
}

}  // namespace
}  // namespace bptplr
