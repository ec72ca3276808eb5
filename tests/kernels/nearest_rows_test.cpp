#include "kernels/nearest_rows.hpp"

#include <omp.h>

#include <algorithm>
#include <functional>
#include <numeric>
#include <stdexcept>

#include "tests/kernels/support.hpp"

namespace bptplr {
namespace {

struct Found {
  std::vector<std::int64_t> index;
  std::vector<float> product;
};

Found nearest(const Tensor& x, std::int64_t k) {
  Found found{std::vector<std::int64_t>(static_cast<std::size_t>(x.size(0) * k)),
              std::vector<float>(static_cast<std::size_t>(x.size(0) * k))};
  kernels::nearest_rows(cpu_context(), {x.size(0), x.size(1), k}, x.data<float>(),
                        found.index.data(), found.product.data(), {});
  return found;
}

/// Integers, whose products are exact, so that ties are ties.
Tensor integers(std::int64_t count, std::int64_t dim) {
  Philox random(7, Purpose::kTest);
  Tensor x = Tensor::empty({count, dim});
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    x.data<float>()[i] = static_cast<float>(random.below(5)) - 2.0F;
  }
  return x;
}

Found by_sorting(const Tensor& x, std::int64_t k) {
  Found found;
  const std::int64_t count = x.size(0);
  for (std::int64_t i = 0; i < count; ++i) {
    std::vector<float> products;
    for (std::int64_t j = 0; j < count; ++j) {
      const auto a = x.rows(i, i + 1).span<float>();
      const auto b = x.rows(j, j + 1).span<float>();
      products.push_back(std::inner_product(a.begin(), a.end(), b.begin(), 0.0F));
    }
    std::vector<std::int64_t> order(static_cast<std::size_t>(count));
    std::iota(order.begin(), order.end(), 0);
    std::erase(order, i);
    std::ranges::stable_sort(order, [&](std::int64_t a, std::int64_t b) {
      return products[static_cast<std::size_t>(a)] > products[static_cast<std::size_t>(b)];
    });
    for (std::int64_t n = 0; n < k; ++n) {
      found.index.push_back(order[static_cast<std::size_t>(n)]);
      found.product.push_back(products[static_cast<std::size_t>(found.index.back())]);
    }
  }
  return found;
}

TEST(NearestRows, AreThoseOfASort) {
  for (const auto& [count, dim, k] :
       {std::array{2, 3, 1}, {33, 1, 5}, {40, 7, 39}, {513, 17, 10}, {1100, 5, 3}}) {
    const Tensor x = integers(count, dim);
    const Found found = nearest(x, k);
    const Found expected = by_sorting(x, k);
    EXPECT_EQ(found.index, expected.index) << count;
    EXPECT_EQ(found.product, expected.product) << count;
  }
}

TEST(NearestRows, DoNotDependOnThreads) {
  const Tensor x = random_normal({1300, 19}, 4);
  const Found expected = nearest(x, 7);
  const int threads = omp_get_max_threads();
  for (const int number : {1, 2, 3}) {
    omp_set_num_threads(number);
    const Found found = nearest(x, 7);
    EXPECT_EQ(found.index, expected.index) << number;
    EXPECT_EQ(found.product, expected.product) << number;
  }
  omp_set_num_threads(threads);
}

TEST(NearestRows, ProgressRisesToOneAndMayStopThem) {
  const Tensor x = random_normal({1300, 4}, 4);
  std::vector<std::int64_t> index(1300);
  std::vector<float> product(1300);
  std::vector<double> told;
  const auto run = [&](const std::function<void(double)>& progress) {
    kernels::nearest_rows(cpu_context(), {1300, 4, 1}, x.data<float>(), index.data(),
                          product.data(), progress);
  };
  run([&](double share) { told.push_back(share); });
  EXPECT_TRUE(std::ranges::is_sorted(told));
  EXPECT_EQ(told.back(), 1.0);
  EXPECT_THROW(run([](double) { throw std::runtime_error("enough"); }), std::runtime_error);
}

}  // namespace
}  // namespace bptplr
