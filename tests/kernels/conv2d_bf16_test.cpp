// Convolutions of factors that are rounded to bfloat16, against plain loops over rounded factors.
// Runs oneDNN's where the processor has such instructions, the emulation elsewhere.
#include <vector>

#include "kernels/bfloat16.hpp"
#include "kernels/conv2d.hpp"
#include "tests/environment_scope.hpp"
#include "tests/kernels/support.hpp"

namespace bptplr {
namespace {

/// Returns the values as bfloat16 holds them, in double precision.
Tensor rounded(const Tensor& values) {
  Tensor result = Tensor::empty_like(values);
  for (std::int64_t i = 0; i < values.numel(); ++i) {
    result.data<float>()[i] = static_cast<float>(kernels::bfloat16(values.data<float>()[i]));
  }
  return result.to(DType::kFloat64);
}

void check_passes() {
  kernels::CpuContext low = cpu_context();
  low.bf16_products = true;
  const std::vector<kernels::Conv2dShape> shapes{
      {5, 8, 8, 16, 16, 3, 1, 1}, {3, 9, 8, 3, 20, 3, 2, 1}, {3, 6, 6, 16, 40, 1, 2, 0}};
  for (const kernels::Conv2dShape& s : shapes) {
    SCOPED_TRACE(testing::Message() << s.c << " to " << s.k << " / " << s.stride);
    const Tensor x = random_normal({s.n, s.h, s.w, s.c}, 1);
    const Tensor w = random_normal({s.k, s.kernel, s.kernel, s.c}, 2);
    const Tensor dy = random_normal({s.n, s.out_h(), s.out_w(), s.k}, 3);
    const Tensor exact_x = rounded(x);
    const Tensor exact_w = rounded(w);
    const Tensor exact_dy = rounded(dy);
    const auto check = [](const Tensor& low_result, const Tensor& exact) {
      EXPECT_LT(relative_error(low_result, exact), 1e-5);
    };
    Tensor y = Tensor::empty_like(dy);
    Tensor dx = Tensor::empty_like(x);
    Tensor dw = Tensor::empty_like(w);
    Tensor of_y = Tensor::empty_like(exact_dy);
    Tensor of_dx = Tensor::empty_like(exact_x);
    Tensor of_dw = Tensor::empty_like(exact_w);
    kernels::conv2d_forward(low, s, x.data<float>(), w.data<float>(), y.data<float>());
    kernels::conv2d_forward(low, s, exact_x.data<double>(), exact_w.data<double>(),
                            of_y.data<double>());
    check(y, of_y);
    kernels::conv2d_backward_data(low, s, dy.data<float>(), w.data<float>(), dx.data<float>());
    kernels::conv2d_backward_data(low, s, exact_dy.data<double>(), exact_w.data<double>(),
                                  of_dx.data<double>());
    check(dx, of_dx);
    kernels::conv2d_backward_weights(low, s, x.data<float>(), dy.data<float>(), dw.data<float>(),
                                     nullptr);
    kernels::conv2d_backward_weights(low, s, exact_x.data<double>(), exact_dy.data<double>(),
                                     of_dw.data<double>(), nullptr);
    check(dw, of_dw);
    // That is another result than that of factors in float32.
    Tensor full = Tensor::empty_like(dy);
    kernels::conv2d_forward(cpu_context(), s, x.data<float>(), w.data<float>(), full.data<float>());
    EXPECT_GT(relative_error(y, full), 1e-4);
  }
}

TEST(Conv2dBfloat16, RoundsFactorsOnlyAsThisProcessorDoes) {
  check_passes();
}

TEST(Conv2dBfloat16, RoundsFactorsOnlyWhereEmulated) {
  const EnvironmentScope emulated("BPTPLR_EMULATE_BF16", "1");
  check_passes();
}

}  // namespace
}  // namespace bptplr
