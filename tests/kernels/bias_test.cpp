#include "kernels/bias.hpp"

#include "tests/kernels/support.hpp"

namespace bptplr {
namespace {

TEST(Bias, EqualsPlainLoopsForAnyThreads) {
  for (const auto& [rows, channels] :
       {std::pair<std::int64_t, std::int64_t>{0, 3}, {1, 1}, {7, 5}, {5000, 33}, {3, 40'000}}) {
    SCOPED_TRACE(std::to_string(rows) + " x " + std::to_string(channels));
    const Tensor x = random_normal({rows, channels}, 1);
    const Tensor bias = random_normal({channels}, 2);
    Tensor sums = Tensor::zeros({channels}, DType::kFloat64);
    Tensor expected = x.clone();
    for (std::int64_t i = 0; i < x.numel(); ++i) {
      expected.data<float>()[i] += bias.data<float>()[i % channels];
      sums.data<double>()[i % channels] += x.data<float>()[i];
    }
    const auto compute = [&, rows = rows, channels = channels] {
      Tensor y = x.clone();
      Tensor gradient = Tensor::empty({channels});
      kernels::add_bias(cpu_context(), rows, channels, bias.data<float>(), y.data<float>());
      kernels::bias_gradient(cpu_context(), rows, channels, x.data<float>(),
                             gradient.data<float>());
      return std::vector{y, gradient};
    };
    const auto results = compute();
    EXPECT_TRUE(same_bits(results[0], expected));
    EXPECT_LT(relative_error(results[1], sums), 1e-6);
    expect_same_for_any_threads(compute);
  }
}

}  // namespace
}  // namespace bptplr
