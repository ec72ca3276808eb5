#include "kernels/sample_losses.hpp"

#include <limits>

#include "tests/cuda/support.hpp"

namespace bptplr {
namespace {

class SampleRowsCuda : public testing::TestWithParam<Shape> {};

TEST_P(SampleRowsCuda, CrossEntropyEqualsTheCpu) {
  const Tensor logits = random_normal(GetParam(), 1, 5.0);
  const std::int64_t rows = logits.size(0), classes = logits.size(1);
  const auto labels = random_labels(rows, classes, 2);
  Tensor losses = Tensor::empty({rows});
  kernels::sample_cross_entropy(cpu_context(), rows, classes, logits.data<float>(), labels.data(),
                                losses.data<float>());
  const auto results = on_device([&] {
    DeviceArray<float> dev_logits(logits), out(rows);
    DeviceArray<std::int64_t> dev_labels(labels);
    kernels::sample_cross_entropy(cuda_test_context(), rows, classes, dev_logits.get(),
                                  dev_labels.get(), out.get());
    return std::vector{out.to_tensor({rows})};
  });
  EXPECT_LT(relative_error(results[0], losses), 1e-6);
}

TEST_P(SampleRowsCuda, JensenShannonEqualsTheCpu) {
  const std::int64_t rows = GetParam()[0], classes = GetParam()[1];
  const auto labels = random_labels(rows, classes, 5);
  for (const double scale : {0.5, 5.0, 40.0}) {
    const Tensor first = random_normal(GetParam(), 6, scale);
    const Tensor second = random_normal(GetParam(), 7, scale);
    Tensor distances = Tensor::empty({rows});
    kernels::sample_jensen_shannon(cpu_context(), rows, classes, first.data<float>(),
                                   second.data<float>(), labels.data(), 1.5,
                                   distances.data<float>());
    const auto results = on_device([&] {
      DeviceArray<float> dev_first(first), dev_second(second), out(rows);
      DeviceArray<std::int64_t> dev_labels(labels);
      kernels::sample_jensen_shannon(cuda_test_context(), rows, classes, dev_first.get(),
                                     dev_second.get(), dev_labels.get(), 1.5, out.get());
      return std::vector{out.to_tensor({rows})};
    });
    EXPECT_LT(relative_error(results[0], distances), 1e-6) << scale;
  }
}

TEST_P(SampleRowsCuda, PseudoLabelsEqualTheCpu) {
  const Tensor s = random_normal(GetParam(), 3, 3.0), z = random_normal(GetParam(), 4, 3.0);
  const std::int64_t rows = s.size(0), classes = s.size(1);
  for (const double threshold : {0.0, 0.4, 0.8}) {
    Tensor labels = Tensor::empty({rows}, DType::kInt64);
    kernels::pseudo_labels(cpu_context(), rows, classes, threshold, s.data<float>(),
                           z.data<float>(), labels.data<std::int64_t>());
    const auto results = on_device([&] {
      DeviceArray<float> dev_s(s), dev_z(z);
      DeviceArray<std::int64_t> out(rows);
      kernels::pseudo_labels(cuda_test_context(), rows, classes, threshold, dev_s.get(),
                             dev_z.get(), out.get());
      return std::vector{out.to_tensor({rows})};
    });
    EXPECT_TRUE(same_bits(results[0], labels)) << threshold;
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, SampleRowsCuda,
                         testing::Values(Shape{0, 10}, Shape{1, 1}, Shape{5, 2}, Shape{41, 10},
                                         Shape{9, 100}, Shape{5, 1000}, Shape{3, 1100}));

TEST(InterleaveCuda, EqualsTheCpu) {
  for (const std::int64_t n : {0, 1, 257, 1000}) {
    const Tensor a = random_normal({n}, 1), b = random_normal({n}, 2);
    Tensor expected = Tensor::empty({n, 2});
    kernels::interleave(cpu_context(), n, a.data<float>(), b.data<float>(), expected.data<float>());
    const auto results = on_device([&] {
      DeviceArray<float> dev_a(a), dev_b(b), out(2 * n);
      kernels::interleave(cuda_test_context(), n, dev_a.get(), dev_b.get(), out.get());
      return std::vector{out.to_tensor({n, 2})};
    });
    EXPECT_TRUE(same_bits(results[0], expected)) << n;
  }
}

TEST(SampleCrossEntropyCuda, IsAccurateAtBothEnds) {
  const auto results = on_device([&] {
    DeviceArray<float> logits(std::vector<float>{12, 0, 1000, -1000}), out(2);
    DeviceArray<std::int64_t> labels(std::vector<std::int64_t>{0, 1});
    kernels::sample_cross_entropy(cuda_test_context(), 2, 2, logits.get(), labels.get(), out.get());
    return std::vector{out.to_tensor({2})};
  });
  EXPECT_NEAR(results[0].data<float>()[0], std::log1p(std::exp(-12.0)), 1e-11);
  EXPECT_EQ(results[0].data<float>()[1], 2000.0F);
}

/// Each by itself: beside the distance of a wrong label that of a right one hardly shows.
TEST(SampleJensenShannonCuda, IsAccurateFromLearntSamplesToWrongOnes) {
  std::vector<float> logits;
  for (int z = -40; z <= 40; ++z) logits.insert(logits.end(), {static_cast<float>(z), 0, -1});
  const std::int64_t rows = std::ssize(logits) / 3;
  const std::vector<std::int64_t> labels(static_cast<std::size_t>(rows), 0);
  Tensor expected = Tensor::empty({rows});
  kernels::sample_jensen_shannon(cpu_context(), rows, 3, logits.data(), logits.data(),
                                 labels.data(), 1.0, expected.data<float>());
  const auto results = on_device([&] {
    DeviceArray<float> dev_logits(logits), out(rows);
    DeviceArray<std::int64_t> dev_labels(labels);
    kernels::sample_jensen_shannon(cuda_test_context(), rows, 3, dev_logits.get(), dev_logits.get(),
                                   dev_labels.get(), 1.0, out.get());
    return std::vector{out.to_tensor({rows})};
  });
  for (std::int64_t i = 0; i < rows; ++i) {
    const float value = expected.data<float>()[i];
    EXPECT_GE(results[0].data<float>()[i], 0.0F) << i;
    EXPECT_NEAR(results[0].data<float>()[i], value, 1e-5F * value) << i;
  }
}

TEST(PseudoLabelsCuda, GiveTheLowerOfEqualClasses) {
  // Rows: all equal; a tie of two; the classifier's own tie below the threshold.
  const Tensor s = Tensor::from<float>({0, 0, 0, 0, 7, 7, 0, 0, 1}, {3, 3});
  const Tensor z = Tensor::from<float>({0, 0, 0, 0, 7, 7, 2, 2, 0}, {3, 3});
  const std::vector<std::int64_t> expected{0, 1, 0};
  for (const double threshold : {0.1, 0.9}) {
    const auto results = on_device([&] {
      DeviceArray<float> dev_s(s), dev_z(z);
      DeviceArray<std::int64_t> out(3);
      kernels::pseudo_labels(cuda_test_context(), 3, 3, threshold, dev_s.get(), dev_z.get(),
                             out.get());
      return std::vector{out.to_tensor({3})};
    });
    EXPECT_TRUE(same_bits(results[0], Tensor::from(expected, {3})));
  }
}

TEST(PseudoLabelsCuda, CompareAsFloat32) {
  const Tensor s = Tensor::from<float>({0, 0, 0, 200}, {1, 4}), z = Tensor::zeros({1, 4});
  for (const auto& [threshold, label] :
       {std::pair{0.625, 0}, std::pair{0.625 - 1e-9, 0}, std::pair{0.625 - 1e-7, 3}}) {
    const auto results = on_device([&, threshold = threshold] {
      DeviceArray<float> dev_s(s), dev_z(z);
      DeviceArray<std::int64_t> out(1);
      kernels::pseudo_labels(cuda_test_context(), 1, 4, threshold, dev_s.get(), dev_z.get(),
                             out.get());
      return std::vector{out.to_tensor({1})};
    });
    EXPECT_EQ(results[0].item(), label) << threshold;
  }
}

TEST(PseudoLabelsCuda, OfNotANumberAreClasses) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto results = on_device([&] {
    DeviceArray<float> s(std::vector<float>(40, nan)), z(std::vector<float>(40, nan));
    DeviceArray<std::int64_t> out(1);
    kernels::pseudo_labels(cuda_test_context(), 1, 40, 0.5, s.get(), z.get(), out.get());
    return std::vector{out.to_tensor({1})};
  });
  EXPECT_EQ(results[0].data<std::int64_t>()[0], 0);
}

class MinMaxNormalizeCuda : public testing::TestWithParam<std::int64_t> {};

TEST_P(MinMaxNormalizeCuda, EqualsTheCpuToTheBit) {
  const std::int64_t n = GetParam();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  Tensor plain = random_normal({n}, 5), holed = plain.clone();
  for (std::int64_t i = 0; i < n; i += 3) holed.data<float>()[i] = nan;
  for (const Tensor& x : {plain, holed, Tensor::full({n}, 3.25), Tensor::full({n}, nan)}) {
    Tensor expected = Tensor::empty({n});
    kernels::min_max_normalize(cpu_context(), n, x.data<float>(), expected.data<float>());
    const auto results = on_device([&] {
      DeviceArray<float> in_place(x), odd(n + 1), out(n + 1);
      kernels::min_max_normalize(cuda_test_context(), n, in_place.get(), in_place.get());
      // Behind one value more: no vector is aligned there.
      DeviceArray<float> again(x);
      if (n > 0) {
        kernels::check(cudaMemcpyAsync(odd.get() + 1, again.get(), static_cast<std::size_t>(n) * 4,
                                       cudaMemcpyDefault, nullptr),
                       "a copy");
      }
      kernels::min_max_normalize(cuda_test_context(), n, odd.get() + 1, out.get() + 1);
      const std::vector<float> shifted = out.to_host();
      return std::vector{in_place.to_tensor({n}),
                         Tensor::from(std::vector<float>(shifted.begin() + 1, shifted.end()), {n})};
    });
    for (const Tensor& result : results) {
      for (std::int64_t i = 0; i < n; ++i) {
        const float actual = result.data<float>()[i], wanted = expected.data<float>()[i];
        EXPECT_TRUE(actual == wanted || (std::isnan(actual) && std::isnan(wanted))) << i;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, MinMaxNormalizeCuda, testing::Values(0, 1, 5, 33, 1030, 3001));

}  // namespace
}  // namespace bptplr
