// Tensors, the tape, random numbers, the optimiser and schedules.
#include <gtest/gtest.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

#include "engine/memory.hpp"
#include "engine/ops.hpp"
#include "engine/optimizer.hpp"
#include "engine/random.hpp"
#include "tests/golden.hpp"
#include "tests/message_of.hpp"
#include "tests/tensor_ops.hpp"

namespace bptplr {
namespace {

TEST(Tensor, SharesElementsBetweenHandlesAndViews) {
  Tensor a = Tensor::from(std::vector<float>{1, 2, 3, 4, 5, 6}, {3, 2});
  Tensor rows = a.rows(1, 3);
  rows.data<float>()[0] = 9;
  EXPECT_EQ(a.data<float>()[2], 9.0F);
  EXPECT_EQ(a.reshape({-1}).shape(), (Shape{6}));
  EXPECT_EQ(a.size(-1), 2);
  Tensor copy = a.clone();
  copy.data<float>()[0] = 7;
  EXPECT_EQ(a.data<float>()[0], 1.0F);
  EXPECT_EQ(Tensor::zeros({0, 4}).numel(), 0);
}

TEST(Tensor, RefusesWhatDoesNotFit) {
  const Tensor a = Tensor::zeros({3, 2});
  EXPECT_THROW(static_cast<void>(a.data<std::int64_t>()), Error);
  EXPECT_THROW(static_cast<void>(a.reshape({4})), Error);
  EXPECT_THROW(static_cast<void>(a.rows(2, 4)), Error);
  EXPECT_THROW(static_cast<void>(a.item()), Error);
  EXPECT_THROW(static_cast<void>(Tensor().shape()), Error);
  EXPECT_THROW(static_cast<void>(Tensor::from(std::vector<float>{1}, {2})), Error);
  EXPECT_THROW(conv2d(Tensor::zeros({1, 4, 4, 3}), Tensor::zeros({2, 3, 3, 4}), 1, 1), Error);
  EXPECT_THROW(linear(a, Tensor::zeros({2, 3}), {}), Error);
  EXPECT_THROW(add(a, Tensor::zeros({2, 3})), Error);
  EXPECT_THROW(cross_entropy(a, std::vector<std::int64_t>{0, 1, 2}), Error);
}

TEST(Tensor, AnImpossibleSizeIsAnErrorNotACrash) {
  EXPECT_NE(message_of([] { Tensor::empty({std::int64_t{1} << 50}); }).find("out of memory"),
            std::string::npos);
}

TEST(Autograd, AccumulatesOverUsesAndOverCalls) {
  Tensor x = Tensor::full({1}, 3.0).set_requires_grad(true);
  backward(add(multiply(x, x), x));
  EXPECT_EQ(x.grad().item(), 7.0);
  backward(scale(x, 2.0));
  EXPECT_EQ(x.grad().item(), 9.0);
}

TEST(Autograd, SharedGradientsAreNotOverwritten) {
  Tensor a = Tensor::full({2}, 1.0).set_requires_grad(true);
  Tensor b = Tensor::full({2}, 1.0).set_requires_grad(true);
  const Tensor s = add(a, b);  // both inputs receive the same gradient tensor
  backward(sum(add(multiply(s, s), a)));
  EXPECT_EQ(a.grad().data<float>()[0], 5.0F);
  EXPECT_EQ(b.grad().data<float>()[0], 4.0F);
}

TEST(Autograd, RecordsNothingWithoutGradients) {
  Tensor x = Tensor::full({1}, 3.0).set_requires_grad(true);
  {
    const NoGrad no_grad;
    EXPECT_FALSE(multiply(x, x).requires_grad());
  }
  EXPECT_TRUE(multiply(x, x).requires_grad());
  EXPECT_FALSE(multiply(x.detach(), x.detach()).requires_grad());
  EXPECT_THROW(backward(Tensor::full({1}, 1.0)), Error);
}

TEST(Autograd, FreesTheTape) {
  Tensor x = Tensor::full({1}, 3.0).set_requires_grad(true);
  const Tensor y = multiply(x, x);
  std::weak_ptr<Node> node = y.node();
  const Tensor z = scale(y, 2.0);
  backward(z);
  EXPECT_TRUE(node.lock()->inputs.empty());
  EXPECT_THROW(backward(z), Error);
}

TEST(Autograd, ActivationsAfterBatchNormAreComputedAgainNotKept) {
  Tensor x = Tensor::full({2, 4, 4, 1}, 1.0).set_requires_grad(true);
  x.data<float>()[3] = 5.0F;
  Tensor mean = Tensor::zeros({1});
  Tensor variance = Tensor::full({1}, 1.0);
  const Tensor one = Tensor::full({1}, 1.0);
  BatchNormOptions options;
  options.relu = true;
  const Tensor y = batch_norm(x, one, one, mean, variance, options);
  const SavedTensor saved(y);
  const Tensor again = saved.get();
  EXPECT_NE(again.raw(), y.raw());
  EXPECT_EQ(relative_error(again, y), 0.0);
  EXPECT_EQ(SavedTensor(x).get().raw(), x.raw());
}

TEST(Ops, ConvolutionWithBatchNormEqualsOneAfterTheOther) {
  const auto random_normal = [](Shape shape, std::uint32_t stream) {
    Philox random(1, Purpose::kTest, 0, stream);
    Tensor t = Tensor::empty(std::move(shape));
    std::generate_n(t.data<float>(), t.numel(),
                    [&] { return static_cast<float>(random.normal()); });
    return t;
  };
  const auto same_bits = [](const Tensor& a, const Tensor& b) {
    return std::ranges::equal(a.span<float>(), b.span<float>());
  };
  const Tensor x = random_normal({6, 9, 7, 3}, 1), w = random_normal({5, 3, 3, 3}, 2);
  const Tensor weight = random_normal({5}, 3), bias = random_normal({5}, 4);
  const Convolution conv{x, w, 2, 1};
  const Tensor convolved = conv2d(x, w, 2, 1);
  for (const Tensor& addend : {Tensor(), random_normal(convolved.shape(), 6)}) {
    for (const bool training : {true, false}) {
      BatchNormOptions options;
      options.training = training;
      options.groups = 3;
      options.relu = true;
      Tensor mean = random_normal({5}, 5), variance = Tensor::full({5}, 0.7);
      Tensor expected_mean = mean.clone(), expected_variance = variance.clone();
      const Tensor sum = addend.defined() ? add(convolved, addend) : convolved;
      const Tensor y = batch_norm(sum, weight, bias, expected_mean, expected_variance, options);
      const auto both = conv2d_batch_norm(conv, addend, weight, bias, mean, variance, options);
      EXPECT_TRUE(same_bits(both.sum, sum));
      EXPECT_TRUE(same_bits(both.normalized, y));
      EXPECT_TRUE(same_bits(mean, expected_mean));
      EXPECT_TRUE(same_bits(variance, expected_variance));
      for (const bool wants_sum : {true, false}) {
        const NoGrad no_grad;
        const auto at_once =
            conv2d_batch_norm(conv, addend, weight, bias, mean, variance, options, wants_sum);
        EXPECT_TRUE(same_bits(at_once.normalized, y));
        EXPECT_EQ(at_once.sum.defined(), wants_sum);
        EXPECT_TRUE(!wants_sum || same_bits(at_once.sum, sum));
      }
      EXPECT_THROW(conv2d_batch_norm(conv, x, weight, bias, mean, variance, options), Error);
      options.groups = 4;
      if (!training) continue;
      EXPECT_THROW(conv2d_batch_norm(conv, addend, weight, bias, mean, variance, options), Error);
    }
  }
}

TEST(Autograd, BatchNormLeavesTheGradientOfItsCallerAlone) {
  const Tensor one = Tensor::full({1}, 1.0);
  const auto gradient_of = [&](const Tensor& grad) {
    Tensor x = Tensor::full({2, 4, 4, 1}, 1.0).set_requires_grad(true);
    x.data<float>()[3] = 5.0F;
    Tensor mean = Tensor::zeros({1}), variance = Tensor::full({1}, 1.0);
    backward(batch_norm(x, one, one, mean, variance, {}), grad);
    return x.grad();
  };
  Tensor grad = Tensor::zeros({2, 4, 4, 1});
  grad.data<float>()[5] = 1.0F;
  const Tensor before = grad.clone();
  const Tensor dx = gradient_of(grad);
  EXPECT_NE(dx.raw(), grad.raw());
  EXPECT_EQ(relative_error(grad, before), 0.0);
  EXPECT_GT(relative_error(dx, before), 0.0);
}

/// A network of one layer of each kind, its convolution used twice; all gradients of its
/// parameters, with places of their own for them or without.
std::vector<Tensor> gradients_of_layers(bool with_memory) {
  std::vector<Tensor> parameters;
  std::vector<Tensor> memory;
  for (const Shape& shape : std::vector<Shape>{{3, 3, 3, 3}, {3}, {3}, {2, 3}, {2}}) {
    Philox random(1, Purpose::kTest, static_cast<std::uint32_t>(parameters.size()));
    Tensor p = Tensor::empty(shape);
    std::generate_n(p.data<float>(), p.numel(),
                    [&] { return static_cast<float>(random.normal()); });
    parameters.push_back(p.set_requires_grad(true));
    if (!with_memory) continue;
    memory.push_back(Tensor::full(shape, NAN));
    parameters.back().set_grad_memory(memory.back());
  }
  const Tensor x = Tensor::full({2, 4, 4, 3}, 0.5);
  Tensor mean = Tensor::zeros({3});
  Tensor variance = Tensor::full({3}, 1.0);
  for (int call = 0; call < 2; ++call) {  // gradients add up over calls, too
    const Tensor y = conv2d(relu(conv2d(x, parameters[0], 1, 1)), parameters[0], 1, 1);
    const Tensor z = batch_norm(y, parameters[1], parameters[2], mean, variance, {});
    backward(sum(relu(linear(global_avg_pool2d(relu(z)), parameters[3], parameters[4]))));
  }
  std::vector<Tensor> gradients;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    gradients.push_back(parameters[i].grad());
    EXPECT_TRUE(!with_memory || gradients.back().raw() == memory[i].raw()) << i;
  }
  return gradients;
}

TEST(Autograd, AGradientMayHaveAPlaceOfItsOwn) {
  const auto expected = gradients_of_layers(false);
  const auto actual = gradients_of_layers(true);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_LT(relative_error(actual[i], expected[i]), 1e-6) << i;
  }
}

TEST(Ops, EmptyBatches) {
  Tensor x = Tensor::zeros({0, 4, 4, 3}).set_requires_grad(true);
  Tensor w = Tensor::full({2, 3, 3, 3}, 1.0).set_requires_grad(true);
  const Tensor y = global_avg_pool2d(conv2d(x, w, 1, 1));
  EXPECT_EQ(y.shape(), (Shape{0, 2}));
  backward(sum(y));
  EXPECT_EQ(w.grad().span<float>()[5], 0.0F);
}

/// A small network's output, gradients and running statistics, concatenated.
std::vector<float> run_small_network() {
  Philox random(3, Purpose::kTest);
  const auto make = [&](Shape shape) {
    Tensor t = Tensor::empty(std::move(shape));
    for (std::int64_t i = 0; i < t.numel(); ++i) {
      t.data<float>()[i] = static_cast<float>(random.normal());
    }
    return t.set_requires_grad(true);
  };
  std::vector<Tensor> leaves = {make({37, 12, 12, 3}), make({40, 3, 3, 3}), make({40}), make({40}),
                                make({33, 3, 3, 40}),  make({129, 33})};
  Tensor mean = Tensor::zeros({40});
  Tensor variance = Tensor::full({40}, 1.0);
  BatchNormOptions options;
  options.relu = true;
  Tensor h =
      batch_norm(conv2d(leaves[0], leaves[1], 1, 1), leaves[2], leaves[3], mean, variance, options);
  h = l2_normalize(linear(global_avg_pool2d(conv2d(h, leaves[4], 1, 1)), leaves[5], {}));
  backward(sum(multiply(h, h.detach())));
  std::vector<float> all(h.span<float>().begin(), h.span<float>().end());
  for (const Tensor& t : {mean, variance}) {
    all.insert(all.end(), t.span<float>().begin(), t.span<float>().end());
  }
  for (const Tensor& t : leaves) {
    all.insert(all.end(), t.grad().span<float>().begin(), t.grad().span<float>().end());
  }
  return all;
}

TEST(Ops, SameBitsForAnyNumberOfThreads) {
  const int before = omp_get_max_threads();
  omp_set_num_threads(1);
  const std::vector<float> one = run_small_network();
  for (const int threads : {2, 3}) {
    omp_set_num_threads(threads);
    const std::vector<float> many = run_small_network();
    ASSERT_EQ(one.size(), many.size());
    EXPECT_EQ(std::memcmp(one.data(), many.data(), one.size() * sizeof(float)), 0) << threads;
  }
  omp_set_num_threads(before);
}

TEST(Ops, NonFiniteValuesAreNotHidden) {
  Tensor x = Tensor::full({2, 2, 2, 1}, 1.0);
  x.data<float>()[3] = NAN;
  EXPECT_TRUE(std::isnan(max_pool2d(x, 2, 2, 0).data<float>()[0]));
  Tensor mean = Tensor::zeros({1});
  Tensor variance = Tensor::full({1}, 1.0);
  BatchNormOptions options;
  options.relu = true;
  const Tensor one = Tensor::full({1}, 1.0);
  EXPECT_TRUE(std::isnan(batch_norm(x, one, one, mean, variance, options).data<float>()[0]));
}

TEST(Random, PhiloxKnownAnswers) {
  // The vectors that the Random123 library is tested with.
  using Block = std::array<std::uint32_t, 4>;
  const auto draw = [](const Block& c, std::uint32_t key0, std::uint32_t key1) {
    const auto block = kernels::philox4x32({{c[0], c[1], c[2], c[3]}}, key0, key1);
    return Block{block.word[0], block.word[1], block.word[2], block.word[3]};
  };
  EXPECT_EQ(draw({0, 0, 0, 0}, 0, 0), (Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(draw({~0U, ~0U, ~0U, ~0U}, ~0U, ~0U),
            (Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(draw({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0xa4093822, 0x299f31d0),
            (Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Random, StreamsAreRepeatableAndDistinct) {
  EXPECT_EQ(Philox(1, Purpose::kTest, 2, 3, 4).next(), Philox(1, Purpose::kTest, 2, 3, 4).next());
  const auto first = Philox(1, Purpose::kTest, 2, 3, 4).next();
  EXPECT_NE(first, Philox(2, Purpose::kTest, 2, 3, 4).next());
  EXPECT_NE(first, Philox(1, Purpose::kInit, 2, 3, 4).next());
  EXPECT_NE(first, Philox(1, Purpose::kTest, 1, 3, 4).next());
  EXPECT_NE(first, Philox(1, Purpose::kTest, 2, 4, 4).next());
  EXPECT_NE(first, Philox(1, Purpose::kTest, 2, 3, 5).next());
}

TEST(Random, Distributions) {
  Philox random(1, Purpose::kTest);
  constexpr int kDraws = 200000;
  struct Moments {
    double mean = 0.0, squares = 0.0;
  };
  const auto moments = [&](auto draw) {
    Moments m;
    for (int i = 0; i < kDraws; ++i) {
      const double x = draw();
      m.mean += x / kDraws;
      m.squares += x * x / kDraws;
    }
    m.squares -= m.mean * m.mean;
    return m;
  };
  const Moments uniform = moments([&] { return random.uniform(); });
  EXPECT_NEAR(uniform.mean, 0.5, 0.005);
  EXPECT_NEAR(uniform.squares, 1.0 / 12, 0.002);
  const Moments normal = moments([&] { return random.normal(); });
  EXPECT_NEAR(normal.mean, 0.0, 0.01);
  EXPECT_NEAR(normal.squares, 1.0, 0.02);
  for (const double alpha : {4.0, 0.5}) {  // Beta(a, a): mean 1/2, variance 1 / (4 (2a + 1))
    const Moments beta = moments([&] { return random.beta(alpha, alpha); });
    EXPECT_NEAR(beta.mean, 0.5, 0.005);
    EXPECT_NEAR(beta.squares, 1.0 / (4.0 * (2.0 * alpha + 1.0)), 0.002);
  }
  for (const double alpha : {5e-324, 1e-300, 1e-6}) {  // 0 or 1, each half of the time
    const Moments beta = moments([&] { return random.beta(alpha, alpha); });
    EXPECT_NEAR(beta.mean, 0.5, 0.01) << alpha;
    EXPECT_NEAR(beta.squares, 0.25, 0.001) << alpha;
  }
  for (const double alpha : {1e16, 1e300, 1.7e308}) {
    EXPECT_NEAR(random.beta(alpha, alpha), 0.5, 1e-6) << alpha;
  }
  std::map<std::uint32_t, int> counts;
  for (int i = 0; i < 70000; ++i) ++counts[random.below(7)];
  for (const auto& [value, count] : counts) EXPECT_NEAR(count, 10000, 500) << value;
  EXPECT_EQ(counts.size(), 7U);
}

TEST(Random, BetaIsTheShareOfTwoGammaNumbers) {
  for (const double alpha : {0.1, 0.75, 1.0, 4.0}) {
    Philox random(5, Purpose::kTest);
    Philox again(5, Purpose::kTest);
    for (int i = 0; i < 100; ++i) {
      const double x = again.gamma(alpha);
      const double y = again.gamma(alpha);
      EXPECT_EQ(random.beta(alpha, alpha), x / (x + y));
    }
  }
}

TEST(Random, PermutationsHoldEveryIndexOnce) {
  for (const std::int64_t n : {0, 1, 2, 1000}) {
    auto order = Philox(1, Purpose::kTest, 0, static_cast<std::uint32_t>(n)).permutation(n);
    std::sort(order.begin(), order.end());
    for (std::int64_t i = 0; i < n; ++i) ASSERT_EQ(order[static_cast<std::size_t>(i)], i);
  }
}

TEST(Memory, UseGrowsWithWhatIsWritten) {
  constexpr std::size_t kBytes = 256 << 20;
  const MemoryUse before = memory_use(Device{});
  EXPECT_GT(before.now, 0U);
  EXPECT_GE(before.peak, before.now);
  const auto block = allocate(Device{}, kBytes);
  std::memset(block.get(), 1, kBytes);
  const MemoryUse after = memory_use(Device{});
  EXPECT_GE(after.now, before.now + kBytes / 2);
  EXPECT_GE(after.peak, after.now);
}

TEST(Sgd, TenStepsMatchPyTorch) {
  const Golden golden("sgd");
  const auto lr = golden["sgd/lr"].span<double>();
  for (const std::string name : {"a", "b"}) {
    const std::string key = "sgd/" + name + "/";
    Tensor p = golden[key + "p0"].clone().set_requires_grad(true);
    const auto hyper = golden["sgd/hyper"].span<double>();
    Sgd sgd({p}, hyper[0], hyper[1]);
    for (std::int64_t step = 0; step < 10; ++step) {
      p.mutable_grad() = golden[key + "grads"].rows(step, step + 1).reshape(p.shape()).clone();
      sgd.step(lr[static_cast<std::size_t>(step)]);
      EXPECT_LT(relative_error(p, golden[key + "p"].rows(step, step + 1)), 1e-6);
      EXPECT_LT(relative_error(sgd.velocity()[0], golden[key + "momentum"].rows(step, step + 1)),
                1e-6);
    }
    sgd.zero_grad();
    const Tensor before = p.clone();
    sgd.step(1.0);
    EXPECT_EQ(relative_error(p, before), 0.0);
  }
}

TEST(Sgd, AGradientThatIsNotFiniteChangesNothing) {
  for (const double bad : {std::numeric_limits<double>::infinity(), std::nan("")}) {
    Tensor a = Tensor::full({3}, 1.0).set_requires_grad(true);
    Tensor b = Tensor::full({50'000}, 1.0).set_requires_grad(true);
    Tensor without_gradient = Tensor::full({2}, 1.0).set_requires_grad(true);
    Sgd sgd({a, b, without_gradient}, 0.9, 0.0);
    EXPECT_FALSE(sgd.found_nonfinite());
    a.mutable_grad() = Tensor::full({3}, 1.0);
    b.mutable_grad() = Tensor::full({50'000}, 1.0);
    b.mutable_grad().data<float>()[49'999] = static_cast<float>(bad);
    sgd.step(0.5);
    EXPECT_TRUE(sgd.found_nonfinite());
    EXPECT_EQ(a.data<float>()[0], 1.0F);
    EXPECT_EQ(sgd.velocity()[0].data<float>()[0], 0.0F);
    b.mutable_grad().data<float>()[49'999] = 1.0F;
    sgd.step(0.5);
    EXPECT_FALSE(sgd.found_nonfinite());
    EXPECT_EQ(a.data<float>()[0], 0.5F);
  }
}

TEST(Schedule, MatchesPyTorchAlsoPastThePeriod) {
  const Golden golden("sgd");
  const auto cosine = golden["schedule/cosine"].span<double>();
  for (std::size_t e = 0; e < cosine.size(); ++e) {
    EXPECT_NEAR(cosine_lr(0.02, 0.0002, static_cast<double>(e), 380), cosine[e], 1e-12) << e;
  }
  const auto animal = golden["schedule/step_animal"].span<double>();
  for (std::size_t e = 0; e < animal.size(); ++e) {
    EXPECT_NEAR(step_lr(0.01, {{80, 10}, {140, 100}, {200, 200}}, static_cast<int>(e)), animal[e],
                1e-12)
        << e;
  }
  const auto clothing = golden["schedule/step_clothing"].span<double>();
  for (std::size_t e = 0; e < clothing.size(); ++e) {
    EXPECT_NEAR(step_lr(0.004, {{40, 10}, {80, 100}}, static_cast<int>(e)), clothing[e], 1e-12)
        << e;
  }
}

}  // namespace
}  // namespace bptplr
