#include "kernels/gather.hpp"

#include <gtest/gtest.h>

#include "tests/kernels/support.hpp"

namespace bptplr {
namespace {

template <class T>
std::vector<T> gathered(const std::vector<T>& source, std::int64_t length,
                        const std::vector<std::int64_t>& index) {
  std::vector<T> out(index.size() * static_cast<std::size_t>(length));
  kernels::gather_rows(cpu_context(), static_cast<std::int64_t>(index.size()), length,
                       source.data(), index.data(), out.data());
  return out;
}

TEST(GatherRows, PicksRowsInAnyOrderAndTwice) {
  const std::vector<std::int64_t> index{2, 0, 2};
  EXPECT_EQ(gathered<float>({1, 2, 3, 4, 5, 6}, 2, index), (std::vector<float>{5, 6, 1, 2, 5, 6}));
  EXPECT_EQ(gathered<double>({1, 2, 3}, 1, index), (std::vector<double>{3, 1, 3}));
  EXPECT_EQ(gathered<std::int64_t>({7, 8, -9}, 1, index), (std::vector<std::int64_t>{-9, 7, -9}));
  EXPECT_EQ(gathered<std::uint64_t>({1, 2, ~0ULL}, 1, index),
            (std::vector<std::uint64_t>{~0ULL, 1, ~0ULL}));
}

TEST(GatherRows, OfNothingIsNothing) {
  EXPECT_TRUE(gathered<float>({1, 2}, 1, {}).empty());
  EXPECT_TRUE(gathered<float>({}, 0, {0, 1}).empty());
}

TEST(GatherRows, IsTheSameForAnyNumberOfThreads) {
  const Tensor source = random_normal({50, 3000}, 1);
  const auto index = random_labels(40, 50, 2);
  expect_same_for_any_threads([&] {
    Tensor out = Tensor::empty({40, 3000});
    kernels::gather_rows(cpu_context(), 40, 3000, source.data<float>(), index.data(),
                         out.data<float>());
    return std::vector<Tensor>{out};
  });
}

}  // namespace
}  // namespace bptplr
