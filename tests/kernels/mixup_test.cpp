#include "kernels/mixup.hpp"

#include <gtest/gtest.h>

#include "tests/kernels/support.hpp"

namespace bptplr {
namespace {

Tensor mixup(const Tensor& a, std::span<const std::int64_t> perm, float l) {
  Tensor out = Tensor::empty(a.shape());
  kernels::mixup(cpu_context(), a.size(0), a.numel() / a.size(0), l, a.data<float>(), perm.data(),
                 out.data<float>());
  return out;
}

TEST(MixUp, EqualsPyTorch) {
  const Golden golden("losses");
  for (const std::string& name : golden.cases("mixup")) {
    const std::string key = "mixup/" + name + "/";
    const auto perm = golden[key + "perm"].span<std::int64_t>();
    const float l = golden[key + "l"].data<float>()[0];
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
  EXPECT_TRUE(same_bits(mixup(a, std::vector<std::int64_t>{4, 3, 2, 1, 0}, 1.0F), a));
}

TEST(MixUp, IsTheSameForAnyNumberOfThreads) {
  const Tensor a = random_normal({33, 3000}, 2);
  const auto perm = Philox(1, Purpose::kTest).permutation(33);
  expect_same_for_any_threads([&] { return std::vector<Tensor>{mixup(a, perm, 0.7F)}; });
}

}  // namespace
}  // namespace bptplr
