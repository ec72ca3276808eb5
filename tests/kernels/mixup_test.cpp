#include "kernels/mixup.hpp"

#include <gtest/gtest.h>

#include "engine/dispatch.hpp"
#include "tests/kernels/support.hpp"

namespace bptplr {
namespace {

Tensor mixup(const Tensor& a, std::span<const std::int64_t> perm, double l) {
  Tensor out = Tensor::empty_like(a);
  dispatch_float(a, [&](const auto& ctx, auto zero) {
    using T = decltype(zero);
    kernels::mixup(ctx, a.size(0), a.numel() / a.size(0), &l, a.data<T>(), a.data<T>(), perm.data(),
                   out.data<T>());
  });
  return out;
}

TEST(MixUp, EqualsPyTorch) {
  const Golden golden("losses");
  for (const std::string& name : golden.cases("mixup")) {
    const std::string key = "mixup/" + name + "/";
    const auto perm = golden[key + "perm"].span<std::int64_t>();
    const double l = golden[key + "l"].item();
    EXPECT_LT(relative_error(mixup(golden[key + "a"], perm, l), golden[key + "mixed"]), 1e-6)
        << name;
    EXPECT_LT(
        relative_error(mixup(golden[key + "targets"], perm, l), golden[key + "mixed_targets"]),
        1e-6)
        << name;
  }
}

TEST(MixUp, WithWeightOneCopies) {
  const Tensor a = random_normal({5, 7}, 1);
  EXPECT_TRUE(same_bits(mixup(a, std::vector<std::int64_t>{4, 3, 2, 1, 0}, 1.0), a));
}

TEST(MixUp, OfDoublesIsExact) {
  const Tensor a = random_normal({3, 4}, 3, 1.0, DType::kFloat64);
  const std::vector<std::int64_t> perm{2, 0, 1};
  const Tensor mixed = mixup(a, perm, 0.3);
  for (std::int64_t i = 0; i < a.numel(); ++i) {
    const std::int64_t other = perm[static_cast<std::size_t>(i / 4)] * 4 + i % 4;
    EXPECT_EQ(mixed.data<double>()[i],
              0.3 * a.data<double>()[i] + (1.0 - 0.3) * a.data<double>()[other]);
  }
}

TEST(MixUp, IsTheSameForAnyNumberOfThreads) {
  const Tensor a = random_normal({33, 3000}, 2);
  const auto perm = Philox(1, Purpose::kTest).permutation(33);
  expect_same_for_any_threads([&] { return std::vector<Tensor>{mixup(a, perm, 0.7)}; });
}

}  // namespace
}  // namespace bptplr
