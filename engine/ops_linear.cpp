// Fully connected layers and biases.
#include "engine/dispatch.hpp"
#include "engine/ops.hpp"
#include "engine/profile/range.hpp"
#include "engine/profile/work.hpp"
#include "engine/rank.hpp"
#include "kernels/bias.hpp"
#include "kernels/linear.hpp"

namespace bptplr {

Tensor add_bias_(const Tensor& x, const Tensor& bias) {
  const std::int64_t channels = bias.numel();
  require(x.size(-1) == channels, "add_bias_: {} values do not fit an input of shape {}", channels,
          to_string(x.shape()));
  const std::int64_t rows = channels == 0 ? 0 : x.numel() / channels;
  const Range range("bias", moved(2 * x.numel(), x.dtype()));
  Tensor y = x.detach();
  dispatch_activation(y, [&](const auto& ctx, auto zero) {
    using T = decltype(zero);
    kernels::add_bias(ctx, rows, channels, bias.data<StatOf<T>>(), y.data<T>());
  });
  return record(std::move(y), {x, bias}, [=, dtype = bias.dtype()](const Tensor& dy) {
    const Range backward_range("bias backward", moved(dy.numel(), dy.dtype()));
    Tensor db = Tensor::empty({channels}, dtype, dy.device());
    dispatch_activation(dy, [&](const auto& ctx, auto zero) {
      using T = decltype(zero);
      kernels::bias_gradient(ctx, rows, channels, dy.data<T>(), db.data<StatOf<T>>());
    });
    return std::vector<Tensor>{dy, db};
  });
}

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  require_rank(x, 2, "linear");
  require_rank(weight, 2, "linear");
  const kernels::LinearShape s{x.size(0), x.size(1), weight.size(0)};
  require(weight.size(1) == s.in && (!bias.defined() || bias.numel() == s.out),
          "linear: weights {} do not fit an input of shape {}", to_string(weight.shape()),
          to_string(x.shape()));
  const Range range("linear", linear_work(s, 1, x.dtype()));
  Tensor y = Tensor::empty({s.n, s.out}, x.dtype(), x.device());
  dispatch_float(x, [&](const auto& ctx, auto zero) {
    using T = decltype(zero);
    kernels::linear_forward(ctx, s, x.data<T>(), weight.data<T>(),
                            bias.defined() ? bias.data<T>() : nullptr, y.data<T>());
  });
  return record(std::move(y), {x, weight, bias}, [=](const Tensor& dy) {
    const Range backward_range("linear backward",
                               linear_work(s, x.requires_grad() ? 2 : 1, dy.dtype()));
    Tensor dx;
    Tensor dw = empty_gradient(weight);
    Tensor db = bias.defined() ? empty_gradient(bias) : Tensor();
    dispatch_float(dy, [&](const auto& ctx, auto zero) {
      using T = decltype(zero);
      if (x.requires_grad()) {
        dx = Tensor::empty_like(x);
        kernels::linear_backward_data(ctx, s, dy.data<T>(), weight.data<T>(), dx.data<T>());
      }
      kernels::linear_backward_weights(ctx, s, x.data<T>(), dy.data<T>(), dw.data<T>(),
                                       db.defined() ? db.data<T>() : nullptr);
    });
    return std::vector<Tensor>{dx, dw, db};
  });
}

}  // namespace bptplr
