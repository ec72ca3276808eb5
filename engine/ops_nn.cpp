// Layers: convolution, linear, batch normalisation, pooling.
#include "engine/dispatch.hpp"
#include "engine/ops.hpp"
#include "engine/range.hpp"
#include "engine/work.hpp"
#include "kernels/batch_norm.hpp"
#include "kernels/bias.hpp"
#include "kernels/conv2d.hpp"
#include "kernels/linear.hpp"
#include "kernels/pool.hpp"

namespace bptplr {
namespace {

void require_rank(const Tensor& x, std::size_t rank, const char* function) {
  require(x.shape().size() == rank, "{} needs a tensor of {} axes, not one of shape {}", function,
          rank, to_string(x.shape()));
}

kernels::Conv2dShape conv2d_shape(const Tensor& x, const Tensor& weight, std::int64_t stride,
                                  std::int64_t padding) {
  require_rank(x, 4, "conv2d");
  require_rank(weight, 4, "conv2d");
  const kernels::Conv2dShape s{x.size(0),      x.size(1),      x.size(2), x.size(3),
                               weight.size(0), weight.size(1), stride,    padding};
  require(weight.size(3) == s.c && weight.size(1) == weight.size(2) && stride > 0 && padding >= 0 &&
              s.h + 2 * padding >= s.kernel && s.w + 2 * padding >= s.kernel,
          "conv2d: weights {} with stride {} and padding {} do not fit an input of shape {}",
          to_string(weight.shape()), stride, padding, to_string(x.shape()));
  return s;
}

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

/// The weights in the type of the activations that they meet. Training keeps the bfloat16 copy up
/// to date (Sgd); whoever comes first makes it.
Tensor weight_in(DType dtype, Tensor weight) {
  if (weight.dtype() == dtype) return weight;
  if (!weight.low_precision().defined()) weight.set_low_precision(weight.to(dtype));
  return weight.low_precision();
}

Tensor conv2d_weight_gradient(const kernels::Conv2dShape& s, const Tensor& weight, const Tensor& x,
                              const Tensor& dy) {
  const Range range("conv2d backward weights", conv2d_work(s, dy.dtype(), weight.dtype()));
  Tensor dw = empty_gradient(weight);
  dispatch_activation(dy, [&](const auto& ctx, auto zero) {
    using T = decltype(zero);
    if constexpr (kOnGpu<decltype(ctx)>) {
      Tensor scratch = Tensor::empty(weight.shape(), dy.dtype(), dy.device());
      kernels::conv2d_backward_weights(ctx, s, x.data<T>(), dy.data<T>(), dw.data<float>(),
                                       scratch.data<T>());
    } else {
      kernels::conv2d_backward_weights(ctx, s, x.data<T>(), dy.data<T>(), dw.data<T>());
    }
  });
  return dw;
}

Tensor conv2d_data_gradient(const kernels::Conv2dShape& s, const Tensor& weight, const Shape& shape,
                            const Tensor& dy) {
  const Range range("conv2d backward data", conv2d_work(s, dy.dtype(), dy.dtype()));
  Tensor dx = Tensor::empty(shape, dy.dtype(), dy.device());
  const Tensor w = weight_in(dy.dtype(), weight);
  dispatch_activation(dy, [&](const auto& ctx, auto zero) {
    using T = decltype(zero);
    kernels::conv2d_backward_data(ctx, s, dy.data<T>(), w.data<T>(), dx.data<T>());
  });
  return dx;
}

}  // namespace

Tensor conv2d(const Tensor& x, const Tensor& weight, std::int64_t stride, std::int64_t padding) {
  const kernels::Conv2dShape s = conv2d_shape(x, weight, stride, padding);
  const Range range("conv2d", conv2d_work(s, x.dtype(), x.dtype()));
  Tensor y = Tensor::empty({s.n, s.out_h(), s.out_w(), s.k}, x.dtype(), x.device());
  const Tensor w = weight_in(x.dtype(), weight);
  dispatch_activation(x, [&](const auto& ctx, auto zero) {
    using T = decltype(zero);
    kernels::conv2d_forward(ctx, s, x.data<T>(), w.data<T>(), y.data<T>());
  });
  if (!grad_enabled()) return y;
  return record(std::move(y), {x, weight},
                [s, weight, shape = x.shape(), saved = SavedTensor(x),
                 wants_dx = x.requires_grad()](const Tensor& dy) {
                  Tensor dw = conv2d_weight_gradient(s, weight, saved.get(), dy);
                  Tensor dx;
                  if (wants_dx) dx = conv2d_data_gradient(s, weight, shape, dy);
                  return std::vector<Tensor>{dx, dw};
                });
}

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

namespace {

/// What normalises a batch: the shape, the statistics and the parameters.
struct Normalizer {
  kernels::BatchNormShape shape;
  Tensor mean, variance, weight, bias;
  double eps;
  bool training;

  Tensor apply(const Tensor& x) const {
    const Range range("batch_norm", moved(2 * x.numel(), x.dtype()));
    Tensor y = Tensor::empty_like(x);
    dispatch_activation(x, [&](const auto& ctx, auto zero) {
      using T = decltype(zero);
      using S = StatOf<T>;
      kernels::batch_norm_normalize(ctx, shape, x.data<T>(), mean.data<S>(), variance.data<S>(),
                                    weight.data<S>(), bias.data<S>(), static_cast<S>(eps),
                                    y.data<T>());
    });
    return y;
  }

  /// The gradient of y is dy + more_dy; the latter may be undefined. Those of the parameters are
  /// written to dweight and dbias.
  std::vector<Tensor> gradients(const Tensor& x, const Tensor& dy, const Tensor& more_dy,
                                Tensor dweight, Tensor dbias) const {
    const Range range("batch_norm backward", moved(3 * x.numel(), x.dtype()));
    // Where nobody else sees dy, dx takes its place.
    Tensor dx = dy.unique_storage() ? dy : Tensor::empty_like(x);
    dispatch_activation(dy, [&](const auto& ctx, auto zero) {
      using T = decltype(zero);
      using S = StatOf<T>;
      kernels::batch_norm_backward(ctx, shape, training, x.data<T>(), dy.data<T>(),
                                   more_dy.defined() ? more_dy.data<T>() : nullptr, mean.data<S>(),
                                   variance.data<S>(), weight.data<S>(), bias.data<S>(),
                                   static_cast<S>(eps), dx.data<T>(), dweight.data<S>(),
                                   dbias.data<S>());
    });
    return {dx, dweight, dbias};
  }
};

/// Batch statistics for `norm`, and their effect on the running ones: those of x, or of x += addend
/// where there is one.
void compute_statistics(Tensor x, const Tensor& addend, double momentum, Normalizer& norm,
                        Tensor& running_mean, Tensor& running_var) {
  const Range range("batch_norm statistics",
                    moved((addend.defined() ? 3 : 1) * x.numel(), x.dtype()));
  norm.mean =
      Tensor::empty({norm.shape.groups, norm.shape.channels}, running_mean.dtype(), x.device());
  norm.variance = Tensor::empty_like(norm.mean);
  dispatch_activation(x, [&](const auto& ctx, auto zero) {
    using T = decltype(zero);
    using S = StatOf<T>;
    if (addend.defined()) {
      kernels::batch_norm_add_statistics(ctx, norm.shape, x.data<T>(), addend.data<T>(),
                                         x.data<T>(), norm.mean.data<S>(), norm.variance.data<S>());
    } else {
      kernels::batch_norm_statistics(ctx, norm.shape, x.data<T>(), norm.mean.data<S>(),
                                     norm.variance.data<S>());
    }
    kernels::batch_norm_update_running(ctx, norm.shape, norm.mean.data<S>(),
                                       norm.variance.data<S>(), static_cast<S>(momentum),
                                       running_mean.data<S>(), running_var.data<S>());
  });
}

/// batch_norm of x; in training, of x += addend where there is one.
Tensor normalized(const Tensor& x, const Tensor& addend, const Tensor& weight, const Tensor& bias,
                  Tensor& running_mean, Tensor& running_var, const BatchNormOptions& options) {
  const std::int64_t channels = x.size(-1);
  const std::int64_t groups = options.training ? options.groups : 1;
  require(groups > 0 && x.size(0) % groups == 0 && weight.numel() == channels,
          "batch_norm: an input of shape {} does not split into {} groups of {} channels",
          to_string(x.shape()), groups, weight.numel());
  const std::int64_t rows = channels == 0 ? 0 : x.numel() / channels / groups;
  require(!options.training || rows > 1,
          "batch_norm: training needs more than one value per channel; use a larger batch");
  // The parameters are detached: what computes y again must not keep their gradients alive.
  Normalizer norm{{groups, rows, channels, options.relu},
                  running_mean,
                  running_var,
                  weight.detach(),
                  bias.detach(),
                  options.eps,
                  options.training};
  if (options.training) {
    compute_statistics(x, addend, options.momentum, norm, running_mean, running_var);
  }
  Tensor y = norm.apply(x);
  if (!grad_enabled()) return y;
  const SavedTensor saved(x);
  y.set_recompute([norm, saved] { return norm.apply(saved.get()); });
  return record(std::move(y), {x, weight, bias},
                [norm, saved, weight, bias](const Tensor& dy, const Tensor& more) {
                  return norm.gradients(saved.get(), dy, more, empty_gradient(weight),
                                        empty_gradient(bias));
                });
}

}  // namespace

Tensor batch_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, Tensor& running_mean,
                  Tensor& running_var, const BatchNormOptions& options) {
  return normalized(x, {}, weight, bias, running_mean, running_var, options);
}

AddBatchNorm add_batch_norm_(const Tensor& a, const Tensor& b, const Tensor& weight,
                             const Tensor& bias, Tensor& running_mean, Tensor& running_var,
                             const BatchNormOptions& options) {
  if (!options.training) {
    const Tensor sum = add_(a, b);
    return {sum, batch_norm(sum, weight, bias, running_mean, running_var, options)};
  }
  require(a.shape() == b.shape(), "add_batch_norm_ needs equal shapes, not {} and {}",
          to_string(a.shape()), to_string(b.shape()));
  const Tensor sum = record(a.detach(), {a, b}, [](const Tensor& dy) {
    return std::vector<Tensor>{dy, dy};
  });
  return {sum, normalized(sum, b, weight, bias, running_mean, running_var, options)};
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
