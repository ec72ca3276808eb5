#include "kernels/mixup.hpp"

#include "tests/cuda/support.hpp"

namespace bptplr {
namespace {

using kernels::bfloat16;

std::vector<std::int64_t> permutation(std::int64_t rows) {
  return Philox(1, Purpose::kTest).permutation(rows);
}

Tensor on_cpu(const Tensor& a, const std::vector<std::int64_t>& perm, double l) {
  Tensor out = Tensor::empty(a.shape());
  kernels::mixup(cpu_context(), a.size(0), a.size(1), &l, a.data<float>(), a.data<float>(),
                 perm.data(), out.data<float>());
  return out;
}

std::vector<bfloat16> rounded(const Tensor& a) {
  std::vector<bfloat16> values;
  for (const float x : a.span<float>()) values.emplace_back(x);
  return values;
}

Tensor widened(const std::vector<bfloat16>& values, const Shape& shape) {
  std::vector<float> wide;
  for (const bfloat16 x : values) wide.push_back(static_cast<float>(x));
  return Tensor::from(wide, shape);
}

class MixUpCuda : public testing::TestWithParam<Shape> {};

TEST_P(MixUpCuda, EqualsTheCpuToTheBit) {
  const Tensor a = random_normal(GetParam(), 1);
  const auto perm = permutation(a.size(0));
  // Behind one value more, what is read or written is not aligned to a vector.
  for (const auto& shifts : {std::pair{0, 0}, std::pair{1, 0}, std::pair{0, 1}}) {
    const int a_shift = shifts.first, out_shift = shifts.second;
    const auto results = on_device([&] {
      DeviceArray<float> dev_a(a), moved_a(a.numel() + 1), out(a.numel() + 1);
      DeviceArray<std::int64_t> dev_perm(perm);
      DeviceArray<double> l(std::vector<double>{0.7});
      if (a.numel() > 0) {
        kernels::check(
            cudaMemcpyAsync(moved_a.get() + a_shift, dev_a.get(),
                            static_cast<std::size_t>(a.numel()) * 4, cudaMemcpyDefault, nullptr),
            "a copy");
      }
      kernels::mixup(cuda_test_context(), a.size(0), a.size(1), l.get(), moved_a.get() + a_shift,
                     moved_a.get() + a_shift, dev_perm.get(), out.get() + out_shift);
      std::vector<float> mixed = out.to_host();
      if (out_shift == 1) mixed.erase(mixed.begin());
      mixed.resize(static_cast<std::size_t>(a.numel()));
      return std::vector{Tensor::from(mixed, a.shape())};
    });
    EXPECT_TRUE(same_bits(results[0], on_cpu(a, perm, 0.7)))
        << "shifted by " << a_shift << " and " << out_shift;
  }
}

TEST_P(MixUpCuda, RoundsBfloat16Once) {
  const std::vector<bfloat16> a = rounded(random_normal(GetParam(), 2));
  const Tensor wide_a = widened(a, GetParam());
  const auto perm = permutation(wide_a.size(0));
  const auto results = on_device([&] {
    DeviceArray<bfloat16> dev_a(a), out(wide_a.numel());
    DeviceArray<std::int64_t> dev_perm(perm);
    DeviceArray<double> l(std::vector<double>{0.3});
    kernels::mixup(cuda_test_context(), wide_a.size(0), wide_a.size(1), l.get(), dev_a.get(),
                   dev_a.get(), dev_perm.get(), out.get());
    return std::vector{widened(out.to_host(), GetParam())};
  });
  EXPECT_TRUE(same_bits(results[0], widened(rounded(on_cpu(wide_a, perm, 0.3)), GetParam())));
}

INSTANTIATE_TEST_SUITE_P(Shapes, MixUpCuda,
                         testing::Values(Shape{0, 8}, Shape{1, 1}, Shape{7, 10}, Shape{5, 24},
                                         Shape{3, 1000}, Shape{17, 129}));

}  // namespace
}  // namespace bptplr
