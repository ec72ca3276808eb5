// Layers: linear, bias, pooling. Convolution and batch normalisation are in ops_conv_norm.cpp.
#include "engine/dispatch.hpp"
#include "engine/ops.hpp"
#include "engine/profile/range.hpp"
#include "engine/profile/work.hpp"
#include "engine/rank.hpp"
#include "kernels/bias.hpp"
#include "kernels/linear.hpp"
#include "kernels/pool.hpp"

namespace bptplr {
namespace {

kernels::PoolShape pool_shape(const Tensor& x, std::int64_t kernel, std::int64_t stride,
                              std::int64_t padding) {
  require_rank(x, 4, "pooling");
  const kernels::PoolShape s{x.size(0), x.size(1), x.size(2), x.size(3), kernel, stride, padding};
  require(kernel > 0 && kernel <= 15 && stride > 0 && padding >= 0 && 2 * padding <= kernel &&
              s.h + 2 * padding >= kernel && s.w + 2 * padding >= kernel,
          "pooling: a window of {} with stride {} and padding {} does not fit an input of shape {}",
          kernel, stride, padding, to_string(x.shape()));
  return s;
}

}  // namespace

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

Tensor avg_pool2d(const Tensor& x, std::int64_t kernel, std::int64_t stride) {
  const kernels::PoolShape s = pool_shape(x, kernel, stride, 0);
  Tensor y = Tensor::empty({s.n, s.out_h(), s.out_w(), s.c}, x.dtype(), x.device());
  const Work work = moved(x.numel() + y.numel(), x.dtype());
  const Range range("pool", work);
  dispatch_activation(x, [&](const auto& ctx, auto zero) {
    using T = decltype(zero);
    kernels::avg_pool_forward(ctx, s, x.data<T>(), y.data<T>());
  });
  return record(std::move(y), {x}, [s, work](const Tensor& dy) {
    const Range backward_range("pool backward", work);
    Tensor dx = Tensor::empty({s.n, s.h, s.w, s.c}, dy.dtype(), dy.device());
    dispatch_activation(dy, [&](const auto& ctx, auto zero) {
      using T = decltype(zero);
      kernels::avg_pool_backward(ctx, s, dy.data<T>(), dx.data<T>());
    });
    return std::vector<Tensor>{dx};
  });
}

Tensor max_pool2d(const Tensor& x, std::int64_t kernel, std::int64_t stride, std::int64_t padding) {
  const kernels::PoolShape s = pool_shape(x, kernel, stride, padding);
  Tensor y = Tensor::empty({s.n, s.out_h(), s.out_w(), s.c}, x.dtype(), x.device());
  Tensor winner = Tensor::empty(y.shape(), DType::kUint8, x.device());
  Work work = moved(x.numel() + y.numel(), x.dtype());
  work += moved(winner.numel(), winner.dtype());
  const Range range("pool", work);
  dispatch_activation(x, [&](const auto& ctx, auto zero) {
    using T = decltype(zero);
    kernels::max_pool_forward(ctx, s, x.data<T>(), y.data<T>(), winner.data<std::uint8_t>());
  });
  return record(std::move(y), {x}, [s, winner, work](const Tensor& dy) {
    const Range backward_range("pool backward", work);
    Tensor dx = Tensor::empty({s.n, s.h, s.w, s.c}, dy.dtype(), dy.device());
    dispatch_activation(dy, [&](const auto& ctx, auto zero) {
      using T = decltype(zero);
      kernels::max_pool_backward(ctx, s, dy.data<T>(), winner.data<std::uint8_t>(), dx.data<T>());
    });
    return std::vector<Tensor>{dx};
  });
}

Tensor global_avg_pool2d(const Tensor& x) {
  require_rank(x, 4, "global_avg_pool2d");
  const std::int64_t n = x.size(0);
  const std::int64_t pixels = x.size(1) * x.size(2);
  const std::int64_t channels = x.size(3);
  require(pixels > 0, "global_avg_pool2d: an input of shape {} has no pixels",
          to_string(x.shape()));
  // The heads of a network compute in float32 whatever the type of its activations.
  const DType dtype = x.dtype();
  Tensor y =
      Tensor::empty({n, channels}, dtype == DType::kBfloat16 ? DType::kFloat32 : dtype, x.device());
  Work work = moved(x.numel(), dtype);
  work += moved(y.numel(), y.dtype());
  const Range range("pool", work);
  dispatch_activation(x, [&](const auto& ctx, auto zero) {
    using T = decltype(zero);
    kernels::global_avg_pool_forward(ctx, n, pixels, channels, x.data<T>(), y.data<StatOf<T>>());
  });
  return record(std::move(y), {x}, [=, shape = x.shape()](const Tensor& dy) {
    const Range backward_range("pool backward", work);
    Tensor dx = Tensor::empty(shape, dtype, dy.device());
    dispatch_activation(dx, [&](const auto& ctx, auto zero) {
      using T = decltype(zero);
      kernels::global_avg_pool_backward(ctx, n, pixels, channels, dy.data<StatOf<T>>(),
                                        dx.data<T>());
    });
    return std::vector<Tensor>{dx};
  });
}

}  // namespace bptplr
