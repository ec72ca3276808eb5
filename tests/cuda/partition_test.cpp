#include "kernels/partition.hpp"

#include "bpt_plr/method/partition.hpp"
#include "tests/cuda/support.hpp"

namespace bptplr {
namespace {

struct Case {
  std::int64_t n, classes;
  double steps;  ///< probabilities are multiples of 1 / steps: few steps make many ties
  double threshold = 0.5;
};

class PartitionCuda : public testing::TestWithParam<Case> {};

TEST_P(PartitionCuda, EqualsTheCpu) {
  const auto [n, classes, steps, threshold] = GetParam();
  Philox random(1, Purpose::kTest, 0, 1);
  std::vector<double> w(static_cast<std::size_t>(n));
  for (double& value : w) value = std::round(random.uniform_double() * steps) / steps;
  const auto labels = random_labels(n, classes, 2);
  const Partition expected = balanced_partition(w, labels, classes, threshold);
  std::vector<std::int64_t> order = expected.labelled;
  order.insert(order.end(), expected.unlabelled.begin(), expected.unlabelled.end());
  kernels::PartitionSizes sizes;
  const auto results = on_device([&, n = n, classes = classes, threshold = threshold] {
    DeviceArray<double> dev_w(w);
    DeviceArray<std::int64_t> dev_labels(labels), samples(n);
    sizes = kernels::balanced_partition(cuda_test_context(), n, classes, threshold, dev_w.get(),
                                        dev_labels.get(), samples.get());
    return std::vector{samples.to_tensor({n})};
  });
  EXPECT_EQ(sizes.labelled, std::ssize(expected.labelled));
  EXPECT_EQ(sizes.unlabelled, std::ssize(expected.unlabelled));
  EXPECT_EQ(sizes.budget, expected.budget);
  EXPECT_TRUE(same_bits(results[0], Tensor::from(order, {n})));
}

INSTANTIATE_TEST_SUITE_P(Shapes, PartitionCuda,
                         testing::Values(Case{0, 3, 10}, Case{1, 10, 10}, Case{1000, 10, 1e9},
                                         Case{777, 3, 4}, Case{500, 100, 20}, Case{300, 7, 50, 1.0},
                                         Case{300, 7, 50, 0.0}));

}  // namespace
}  // namespace bptplr
