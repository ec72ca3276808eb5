#include "kernels/prototypes.hpp"

#include "tests/cuda/support.hpp"

namespace bptplr {
namespace {

using kernels::PrototypeShape;

class PrototypesCuda : public testing::TestWithParam<PrototypeShape> {
 protected:
  /// Labels of all classes but one, some rows left out.
  static std::vector<std::int64_t> labels() {
    const PrototypeShape& shape = GetParam();
    auto values = random_labels(shape.rows, shape.classes, 1);
    for (std::int64_t& label : values) {
      if (shape.classes > 2 && label == 1) label = -1;
    }
    return values;
  }
};

TEST_P(PrototypesCuda, ClassMeansEqualTheCpu) {
  const std::int64_t rows = GetParam().rows, dim = GetParam().dim, classes = GetParam().classes;
  const Tensor q = random_unit_rows(rows, dim, 2);
  const auto y = labels();
  Tensor prototypes = Tensor::empty({classes, dim});
  Tensor counts = Tensor::empty({classes}, DType::kInt64);
  kernels::class_means(cpu_context(), GetParam(), q.data<float>(), y.data(),
                       prototypes.data<float>(), counts.data<std::int64_t>());
  const auto results = on_device([&] {
    DeviceArray<float> dev_q(q), out(classes * dim);
    DeviceArray<std::int64_t> dev_y(y), dev_counts(classes);
    kernels::class_means(cuda_test_context(), GetParam(), dev_q.get(), dev_y.get(), out.get(),
                         dev_counts.get());
    return std::vector{out.to_tensor({classes, dim}), dev_counts.to_tensor({classes})};
  });
  EXPECT_LT(relative_error(results[0], prototypes), 1e-6);
  EXPECT_TRUE(same_bits(results[1], counts));
}

TEST_P(PrototypesCuda, UpdatesEqualTheCpu) {
  const std::int64_t rows = GetParam().rows, dim = GetParam().dim, classes = GetParam().classes;
  const Tensor q = random_unit_rows(rows, dim, 3);
  const Tensor before = random_unit_rows(classes, dim, 4);
  const auto y = labels();
  Tensor prototypes = before.clone();
  Tensor counts = Tensor::empty({classes}, DType::kInt64);
  kernels::update_prototypes(cpu_context(), GetParam(), 0.9, q.data<float>(), y.data(),
                             prototypes.data<float>(), counts.data<std::int64_t>());
  const auto results = on_device([&] {
    DeviceArray<float> dev_q(q), out(before);
    DeviceArray<std::int64_t> dev_y(y), dev_counts(classes);
    kernels::update_prototypes(cuda_test_context(), GetParam(), 0.9, dev_q.get(), dev_y.get(),
                               out.get(), dev_counts.get());
    return std::vector{out.to_tensor({classes, dim}), dev_counts.to_tensor({classes})};
  });
  EXPECT_LT(relative_error(results[0], prototypes), 1e-6);
  EXPECT_TRUE(same_bits(results[1], counts));
  if (classes > 2) {
    EXPECT_TRUE(same_bits(results[0].rows(1, 2), before.rows(1, 2)));  // nobody's class
  }
}

// More rows than a chunk; more columns than a warp; more classes than a warp keeps.
INSTANTIATE_TEST_SUITE_P(Shapes, PrototypesCuda,
                         testing::Values(PrototypeShape{0, 8, 3}, PrototypeShape{1, 1, 1},
                                         PrototypeShape{129, 7, 2}, PrototypeShape{700, 128, 5},
                                         PrototypeShape{300, 40, 10}, PrototypeShape{900, 3, 140}));

}  // namespace
}  // namespace bptplr
