#include "kernels/gather.hpp"

#include "tests/cuda/support.hpp"

namespace bptplr {
namespace {

constexpr std::int64_t kSourceRows = 23;

template <class T>
class GatherRowsCuda : public testing::Test {};

using Types = testing::Types<float, double, kernels::bfloat16, std::int64_t, std::uint64_t>;
TYPED_TEST_SUITE(GatherRowsCuda, Types);

/// Values whose bytes are all different enough to notice a wrong one.
template <class T>
std::vector<T> numbered(std::int64_t count) {
  std::vector<T> values;
  for (std::int64_t i = 0; i < count; ++i) values.push_back(T(static_cast<float>(i * 3 - 100)));
  return values;
}

/// The bytes of `values`, whatever they mean.
template <class T>
Tensor bytes_of(const std::vector<T>& values) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(values.data());
  const std::size_t count = values.size() * sizeof(T);
  return Tensor::from(std::span(bytes, count), {static_cast<std::int64_t>(count)});
}

TYPED_TEST(GatherRowsCuda, EqualsTheCpu) {
  using T = TypeParam;
  for (const std::int64_t rows : {0, 1, 40, 300}) {
    for (const std::int64_t length : {1, 2, 3, 4, 8, 10, 33}) {
      for (const std::int64_t shift : {0, 1}) {  // 1: what is not aligned to 16 bytes
        const std::vector<T> source = numbered<T>(kSourceRows * length + shift);
        const auto index = random_labels(rows, kSourceRows, 1);
        std::vector<T> expected(static_cast<std::size_t>(rows * length));
        kernels::gather_rows(cpu_context(), rows, length, source.data() + shift, index.data(),
                             expected.data());
        const auto results = on_device([&] {
          DeviceArray<T> dev_source(source), out(rows * length);
          DeviceArray<std::int64_t> dev_index(index);
          kernels::gather_rows(cuda_test_context(), rows, length, dev_source.get() + shift,
                               dev_index.get(), out.get());
          return std::vector{bytes_of(out.to_host())};
        });
        EXPECT_TRUE(same_bits(results[0], bytes_of(expected)))
            << rows << " rows of " << length << ", shifted by " << shift;
      }
    }
  }
}

}  // namespace
}  // namespace bptplr
