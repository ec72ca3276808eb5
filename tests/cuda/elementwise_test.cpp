#include "kernels/elementwise.hpp"

#include <cmath>

#include "tests/cuda/activations.hpp"

namespace bptplr {
namespace {

// Nothing, one value, less than a vector, whole vectors, vectors and a rest.
constexpr std::int64_t kCounts[] = {0, 1, 7, 4096, 5003};

template <class T>
class ElementwiseCuda : public testing::Test {
 protected:
  /// Expects on_cpu(a, b, out, n) and on_gpu(a, b, out, n) to agree to the bit, after one rounding,
  /// for all counts and alignments, also where out is a or b.
  template <class OnCpu, class OnGpu>
  void expect_same(OnCpu&& on_cpu, OnGpu&& on_gpu) {
    for (const std::int64_t n : kCounts) {
      const Tensor a = random_normal({n}, 1), b = random_normal({n}, 2);
      const Tensor rounded_a = rounded<T>(a), rounded_b = rounded<T>(b);
      Tensor expected = Tensor::empty({n});
      on_cpu(rounded_a.data<float>(), rounded_b.data<float>(), expected.data<float>(), n);
      for (const bool aligned : {true, false}) {
        SCOPED_TRACE(std::to_string(n) + (aligned ? " aligned" : " unaligned"));
        const auto results = on_device([&] {
          DeviceActivations<T> dev_a(a, aligned), dev_b(b, aligned), out(n, aligned);
          on_gpu(dev_a.get(), dev_b.get(), out.get(), n);
          DeviceActivations<T> over_a(a, aligned), over_b(b, aligned);
          on_gpu(over_a.get(), dev_b.get(), over_a.get(), n);
          on_gpu(dev_a.get(), over_b.get(), over_b.get(), n);
          return std::vector{out.to_tensor({n}), over_a.to_tensor({n}), over_b.to_tensor({n})};
        });
        EXPECT_TRUE(same_bits(results[0], rounded<T>(expected)));
        EXPECT_TRUE(same_bits(results[1], results[0])) << "over a";
        EXPECT_TRUE(same_bits(results[2], results[0])) << "over b";
      }
    }
  }
};
TYPED_TEST_SUITE(ElementwiseCuda, ActivationTypes);

TYPED_TEST(ElementwiseCuda, ReluForwardEqualsTheCpu) {
  this->expect_same([](const float* a, const float*, float* out,
                       std::int64_t n) { kernels::relu_forward(cpu_context(), a, out, n); },
                    [](const TypeParam* a, const TypeParam*, TypeParam* out, std::int64_t n) {
                      kernels::relu_forward(cuda_test_context(), a, out, n);
                    });
}

TYPED_TEST(ElementwiseCuda, ReluBackwardEqualsTheCpu) {
  this->expect_same([](const float* y, const float* dy, float* dx,
                       std::int64_t n) { kernels::relu_backward(cpu_context(), y, dy, dx, n); },
                    [](const TypeParam* y, const TypeParam* dy, TypeParam* dx, std::int64_t n) {
                      kernels::relu_backward(cuda_test_context(), y, dy, dx, n);
                    });
}

TYPED_TEST(ElementwiseCuda, LeakyReluForwardEqualsTheCpu) {
  this->expect_same(
      [](const float* a, const float*, float* out, std::int64_t n) {
        kernels::leaky_relu_forward(cpu_context(), 0.01f, a, out, n);
      },
      [](const TypeParam* a, const TypeParam*, TypeParam* out, std::int64_t n) {
        kernels::leaky_relu_forward(cuda_test_context(), 0.01f, a, out, n);
      });
}

TYPED_TEST(ElementwiseCuda, LeakyReluBackwardEqualsTheCpu) {
  this->expect_same(
      [](const float* y, const float* dy, float* dx, std::int64_t n) {
        kernels::leaky_relu_backward(cpu_context(), 0.01f, y, dy, dx, n);
      },
      [](const TypeParam* y, const TypeParam* dy, TypeParam* dx, std::int64_t n) {
        kernels::leaky_relu_backward(cuda_test_context(), 0.01f, y, dy, dx, n);
      });
}

TYPED_TEST(ElementwiseCuda, AddEqualsTheCpu) {
  this->expect_same([](const float* a, const float* b, float* out,
                       std::int64_t n) { kernels::add(cpu_context(), a, b, out, n); },
                    [](const TypeParam* a, const TypeParam* b, TypeParam* out, std::int64_t n) {
                      kernels::add(cuda_test_context(), a, b, out, n);
                    });
}

TYPED_TEST(ElementwiseCuda, ScaleEqualsTheCpu) {
  this->expect_same([](const float* a, const float*, float* out,
                       std::int64_t n) { kernels::scale(cpu_context(), -0.3f, a, out, n); },
                    [](const TypeParam* a, const TypeParam*, TypeParam* out, std::int64_t n) {
                      kernels::scale(cuda_test_context(), -0.3f, a, out, n);
                    });
}

TEST(ElementwiseCudaOnce, GoesAroundWhereAllBlocksDoNotReach) {
  // A value a thread, twice, in 1,056 blocks of 256 threads are 540,672 values.
  const std::int64_t n = 600'001;
  const Tensor x = random_normal({n}, 1);
  Tensor expected = Tensor::empty({n});
  kernels::scale(cpu_context(), 3.0f, x.data<float>(), expected.data<float>(), n);
  DeviceActivations<float> dev_x(x, false);
  kernels::scale(cuda_test_context(), 3.0f, dev_x.get(), dev_x.get(), n);
  EXPECT_TRUE(same_bits(dev_x.to_tensor({n}), expected));
}

TEST(ElementwiseCudaOnce, ScaleByReadsTheFactorFromMemory) {
  const std::int64_t n = 1003;
  const Tensor x = random_normal({n}, 1);
  Tensor expected = Tensor::empty({n});
  kernels::scale(cpu_context(), -2.5f, x.data<float>(), expected.data<float>(), n);
  const auto results = on_device([&] {
    DeviceArray<float> dev_x(x), factor(std::vector<float>{-2.5f}), out(n);
    kernels::scale_by(cuda_test_context(), factor.get(), dev_x.get(), out.get(), n);
    return std::vector{out.to_tensor({n})};
  });
  EXPECT_TRUE(same_bits(results[0], expected));
}

TEST(ElementwiseCudaOnce, ConversionsRoundAsTheHostDoes) {
  const std::int64_t n = 1003;
  Tensor x = random_normal({n}, 1);
  x.data<float>()[0] = INFINITY;
  x.data<float>()[1] = 1.0f + 0x1p-8f;         // a tie, to even: down
  x.data<float>()[2] = 1.0f + 3.0f * 0x1p-8f;  // a tie, to even: up
  x.data<float>()[3] = 3.4e38f;                // beyond the largest
  const Tensor expected = rounded<bfloat16>(x);
  for (const bool aligned : {true, false}) {
    const auto results = on_device([&] {
      DeviceActivations<float> dev_x(x, aligned), back(n, aligned);
      DeviceActivations<bfloat16> small(n, aligned);
      kernels::convert(cuda_test_context(), dev_x.get(), small.get(), n);
      kernels::convert(cuda_test_context(), small.get(), back.get(), n);
      return std::vector{small.to_tensor({n}), back.to_tensor({n})};
    });
    EXPECT_TRUE(same_bits(results[0], expected));
    EXPECT_TRUE(same_bits(results[1], expected));
  }
}

template <class T>
void expect_filled(T value) {
  for (const std::int64_t n : kCounts) {
    for (const std::int64_t skipped : {0, 1}) {  // 1: unaligned
      DeviceArray<T> memory(n + skipped);
      kernels::fill(cuda_test_context(), value, memory.get() + skipped, n);
      const std::vector<T> host = memory.to_host();
      EXPECT_EQ(std::count(host.begin() + skipped, host.end(), value), n);
    }
  }
}

TEST(ElementwiseCudaOnce, FillSetsEveryValue) {
  expect_filled(0.25f);
  expect_filled(std::int64_t{-5'000'000'000});
  expect_filled(std::uint8_t{7});
  expect_filled(0.1);
}

}  // namespace
}  // namespace bptplr
