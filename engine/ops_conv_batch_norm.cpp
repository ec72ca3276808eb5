// Convolution and batch normalisation, separately and combined.
#include <functional>
#include <numeric>

#include "engine/dispatch.hpp"
#include "engine/ops.hpp"
#include "engine/profile/range.hpp"
#include "engine/profile/work.hpp"
#include "engine/rank.hpp"
#include "engine/row_shards.hpp"
#include "kernels/conv2d_batch_norm.hpp"

namespace bptplr {
namespace {

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

/// Returns the weights in the type of the activations. The bfloat16 copy is made at the first use
/// and then kept up to date by training (Sgd).
Tensor weight_in(DType dtype, Tensor weight) {
  if (weight.dtype() == dtype) return weight;
  if (!weight.low_precision().defined()) weight.set_low_precision(weight.to(dtype));
  return weight.low_precision();
}

Tensor conv2d_weight_gradient(const kernels::Conv2dShape& s, const Tensor& weight, const Tensor& x,
                              const Tensor& dy) {
  const Range range("conv2d backward weights", conv2d_work(s, dy.dtype(), weight.dtype()));
  Tensor dw = empty_gradient(weight);
  Tensor scratch;
  if (dy.dtype() != weight.dtype())
    scratch = Tensor::empty(weight.shape(), dy.dtype(), dy.device());
  dispatch_activation(dy, [&](const auto& ctx, auto zero) {
    using T = decltype(zero);
    kernels::conv2d_backward_weights(ctx, s, x.data<T>(), dy.data<T>(), dw.data<StatOf<T>>(),
                                     scratch.defined() ? scratch.data<T>() : nullptr);
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

/// Records y as the result of a convolution.
Tensor record_convolution(Tensor y, const kernels::Conv2dShape& s, const Tensor& x,
                          const Tensor& weight) {
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

/// Normalisation of a batch: shape, statistics and parameters.
struct Normalizer {
  kernels::BatchNormShape shape;
  Tensor mean, variance, weight, bias;
  double eps;
  bool training;
  std::int64_t batch_rows;  ///< rows of a group on all ranks
  Shards shards;

  Tensor apply(const Tensor& x) const { return apply(x, Tensor::empty_like(x)); }
  /// Writes the normalised x to y, which may be x.
  Tensor apply(const Tensor& x, Tensor y) const {
    const Range range("batch_norm", moved(2 * x.numel(), x.dtype()));
    dispatch_activation(x, [&](const auto& ctx, auto zero) {
      using T = decltype(zero);
      using S = StatOf<T>;
      kernels::batch_norm_normalize(ctx, shape, x.data<T>(), mean.data<S>(), variance.data<S>(),
                                    weight.data<S>(), bias.data<S>(), static_cast<S>(eps),
                                    y.data<T>());
    });
    return y;
  }

  /// Returns the gradient of x and writes those of the parameters to dweight and dbias. The
  /// gradient of y is dy + more_dy; more_dy may be undefined.
  std::vector<Tensor> gradients(const Tensor& x, const Tensor& dy, const Tensor& more_dy,
                                Tensor dweight, Tensor dbias) const {
    const Range range("batch_norm backward", moved(3 * x.numel(), x.dtype()));
    // dx takes the memory of dy if nothing else shares it.
    Tensor dx = dy.unique_storage() ? dy : Tensor::empty_like(x);
    Tensor sums = Tensor::empty({2, shape.groups, shape.channels}, DType::kFloat64, dy.device());
    dispatch_activation(dy, [&](const auto& ctx, auto zero) {
      using T = decltype(zero);
      using S = StatOf<T>;
      const kernels::BatchNormGradient<T> in{
          x.data<T>(),    dy.data<T>(),       more_dy.defined() ? more_dy.data<T>() : nullptr,
          mean.data<S>(), variance.data<S>(), weight.data<S>(),
          bias.data<S>(), static_cast<S>(eps)};
      kernels::batch_norm_backward_sums(ctx, shape, in, sums.data<double>(), dweight.data<S>(),
                                        dbias.data<S>());
      if (training && shards != nullptr) {
        shards->group().sum(sums.device(), sums.data<double>(), sums.numel());
      }
      kernels::batch_norm_backward_input(ctx, shape, training ? batch_rows : 0, in,
                                         sums.data<double>(), dx.data<T>());
    });
    return {dx, dweight, dbias};
  }
};

/// Mean and variance [groups, channels] of a batch that is being normalised.
struct BatchStatistics {
  Tensor both, mean, variance;

  BatchStatistics(const kernels::BatchNormShape& shape, const Tensor& x)
      : BatchStatistics(Tensor::zeros({2 * shape.groups, shape.channels},
                                      x.dtype() == DType::kBfloat16 ? DType::kFloat32 : x.dtype(),
                                      x.device())) {}

  /// Makes them those of the rows of all ranks.
  void merge(const kernels::BatchNormShape& shape, const RowShards& shards) {
    const Range range("batch_norm merge");
    Communicator& group = shards.group();
    Tensor all =
        Tensor::empty({group.size() * both.size(0), shape.channels}, both.dtype(), both.device());
    group.all_gather(both.device(), both.raw(), all.raw(),
                     static_cast<std::size_t>(both.numel()) * element_size(both.dtype()));
    dispatch_float(both, [&](const auto& ctx, auto zero) {
      using S = decltype(zero);
      // The rows of an image are as many on every rank, so that images count as well.
      kernels::batch_norm_merge_statistics(ctx, shape, group.size(),
                                           shards.counts().data<std::int64_t>(), all.data<S>(),
                                           mean.data<S>(), variance.data<S>());
    });
  }

 private:
  explicit BatchStatistics(const Tensor& tensor)
      : both(tensor),
        mean(tensor.rows(0, tensor.size(0) / 2)),
        variance(tensor.rows(tensor.size(0) / 2, tensor.size(0))) {}
};

/// Parameters and running statistics of a layer.
struct BatchNormLayer {
  const Tensor &weight, &bias;
  Tensor &running_mean, &running_var;
  const BatchNormOptions& options;

  /// Returns the number of rows of a group on all ranks, given the shape of what is normalised.
  std::int64_t batch_rows(const Shape& x) const {
    const std::int64_t images = options.shards != nullptr ? options.shards->rows() : x.front();
    const std::int64_t pixels =
        std::accumulate(x.begin() + 1, x.end() - 1, std::int64_t{1}, std::multiplies<>());
    return images * pixels / options.groups;
  }
};

kernels::BatchNormShape batch_norm_shape(const Shape& x, const BatchNormLayer& layer) {
  const std::int64_t channels = x.back();
  const std::int64_t groups = layer.options.training ? layer.options.groups : 1;
  require(groups > 0 && x.front() % groups == 0 && layer.weight.numel() == channels,
          "batch_norm: an input of shape {} does not split into {} groups of {} channels",
          to_string(x), groups, layer.weight.numel());
  const std::int64_t rows = channels == 0 ? 0 : numel(x) / channels / groups;
  require(!layer.options.training || layer.batch_rows(x) > 1,
          "batch_norm: training needs more than one value per channel; use a larger batch");
  return {groups, rows, channels, layer.options.relu};
}

/// Returns batch_norm of x, given its statistics in training (else null), and updates the running
/// ones. `x_is_spent`: x is not read again; without gradients the result takes its memory, which is
/// in the cache.
Tensor normalized(const Tensor& x, const kernels::BatchNormShape& shape,
                  const BatchStatistics* statistics, const BatchNormLayer& layer, bool x_is_spent) {
  if (statistics != nullptr) {
    const Range range("batch_norm statistics", moved(4 * shape.channels, DType::kFloat32));
    dispatch_activation(x, [&](const auto& ctx, auto zero) {
      using S = StatOf<decltype(zero)>;
      kernels::BatchNormShape whole = shape;
      whole.rows = layer.batch_rows(x.shape());
      kernels::batch_norm_update_running(ctx, whole, statistics->mean.data<S>(),
                                         statistics->variance.data<S>(),
                                         static_cast<S>(layer.options.momentum),
                                         layer.running_mean.data<S>(), layer.running_var.data<S>());
    });
  }
  // The parameters are detached: the function that recomputes y must not keep their gradients
  // alive.
  const Normalizer norm{shape,
                        statistics != nullptr ? statistics->mean : layer.running_mean,
                        statistics != nullptr ? statistics->variance : layer.running_var,
                        layer.weight.detach(),
                        layer.bias.detach(),
                        layer.options.eps,
                        statistics != nullptr,
                        layer.batch_rows(x.shape()),
                        layer.options.shards};
  if (!grad_enabled()) return x_is_spent ? norm.apply(x, x) : norm.apply(x);
  Tensor y = norm.apply(x);
  const SavedTensor saved(x);
  y.set_recompute([norm, saved] { return norm.apply(saved.get()); });
  return record(std::move(y), {x, layer.weight, layer.bias},
                [norm, saved, weight = layer.weight, bias = layer.bias](const Tensor& dy,
                                                                        const Tensor& more) {
                  return norm.gradients(saved.get(), dy, more, empty_gradient(weight),
                                        empty_gradient(bias));
                });
}

/// Checked shapes and amount of work at the start of conv2d_batch_norm.
struct ConvolutionSum {
  kernels::Conv2dShape shape;
  Tensor weight;  ///< in the type of the activations
  Shape out;      ///< of the sum
  Work work;

  ConvolutionSum(const Convolution& conv, const Tensor& addend)
      : shape(conv2d_shape(conv.x, conv.weight, conv.stride, conv.padding)),
        weight(weight_in(conv.x.dtype(), conv.weight)),
        out{shape.n, shape.out_h(), shape.out_w(), shape.k},
        work(conv2d_work(shape, conv.x.dtype(), conv.x.dtype())) {
    if (!addend.defined()) return;
    require(addend.shape() == out,
            "conv2d_batch_norm: {} cannot be added to a convolution of shape {}",
            to_string(addend.shape()), to_string(out));
    work += moved(addend.numel(), addend.dtype());
  }
};

template <class T>
const T* data_or_null(const Tensor& tensor) {
  return tensor.defined() ? tensor.data<T>() : nullptr;
}

/// Computes conv2d_batch_norm in training.
AddBatchNorm with_batch_statistics(const Convolution& conv, const Tensor& addend,
                                   const BatchNormLayer& layer, bool wants_sum) {
  const Tensor& x = conv.x;
  const ConvolutionSum s(conv, addend);
  Tensor y = Tensor::empty(s.out, x.dtype(), x.device());
  const kernels::BatchNormShape shape = batch_norm_shape(s.out, layer);
  BatchStatistics statistics(shape, x);
  if (x.numel() > 0) {
    const Range range("conv2d with statistics", s.work);
    dispatch_activation(x, [&](const auto& ctx, auto zero) {
      using T = decltype(zero);
      using S = StatOf<T>;
      kernels::conv2d_statistics(ctx, s.shape, shape.groups, x.data<T>(), s.weight.data<T>(),
                                 data_or_null<T>(addend), y.data<T>(), statistics.mean.data<S>(),
                                 statistics.variance.data<S>());
    });
  }
  if (layer.options.shards != nullptr) statistics.merge(shape, *layer.options.shards);
  y = record_convolution(std::move(y), s.shape, x, conv.weight);
  if (addend.defined()) {
    y = record(y.detach(), {y, addend}, [](const Tensor& dy) {
      return std::vector<Tensor>{dy, dy};
    });
  }
  const Tensor normal = normalized(y, shape, &statistics, layer, !wants_sum);
  return {wants_sum || grad_enabled() ? y : Tensor(), normal};
}

/// Computes conv2d_batch_norm with the running statistics, without gradients.
AddBatchNorm with_running_statistics(const Convolution& conv, const Tensor& addend,
                                     const BatchNormLayer& layer, bool wants_sum) {
  const Tensor& x = conv.x;
  ConvolutionSum s(conv, addend);
  batch_norm_shape(s.out, layer);  // checks that the channels fit
  AddBatchNorm result{wants_sum ? Tensor::empty(s.out, x.dtype(), x.device()) : Tensor(),
                      Tensor::empty(s.out, x.dtype(), x.device())};
  if (wants_sum) s.work += moved(result.sum.numel(), x.dtype());
  const Range range("conv2d with batch_norm", s.work);
  dispatch_activation(x, [&](const auto& ctx, auto zero) {
    using T = decltype(zero);
    using S = StatOf<T>;
    const kernels::FixedBatchNorm<S> norm{
        layer.running_mean.data<S>(), layer.running_var.data<S>(),       layer.weight.data<S>(),
        layer.bias.data<S>(),         static_cast<S>(layer.options.eps), layer.options.relu};
    kernels::conv2d_normalized(
        ctx, s.shape, x.data<T>(), s.weight.data<T>(), data_or_null<T>(addend), norm,
        wants_sum ? result.sum.data<T>() : nullptr, result.normalized.data<T>());
  });
  return result;
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
  return record_convolution(std::move(y), s, x, weight);
}

Tensor batch_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, Tensor& running_mean,
                  Tensor& running_var, const BatchNormOptions& options) {
  const BatchNormLayer layer{weight, bias, running_mean, running_var, options};
  const kernels::BatchNormShape shape = batch_norm_shape(x.shape(), layer);
  if (!options.training) return normalized(x, shape, nullptr, layer, false);
  BatchStatistics statistics(shape, x);
  if (x.numel() > 0) {
    const Range range("batch_norm statistics", moved(x.numel(), x.dtype()));
    dispatch_activation(x, [&](const auto& ctx, auto zero) {
      using T = decltype(zero);
      using S = StatOf<T>;
      kernels::batch_norm_statistics(ctx, shape, x.data<T>(), statistics.mean.data<S>(),
                                     statistics.variance.data<S>());
    });
  }
  if (options.shards != nullptr) statistics.merge(shape, *options.shards);
  return normalized(x, shape, &statistics, layer, false);
}

AddBatchNorm conv2d_batch_norm(const Convolution& conv, const Tensor& addend, const Tensor& weight,
                               const Tensor& bias, Tensor& running_mean, Tensor& running_var,
                               const BatchNormOptions& options, bool wants_sum) {
  const BatchNormLayer layer{weight, bias, running_mean, running_var, options};
  if (options.training) return with_batch_statistics(conv, addend, layer, wants_sum);
  if (!grad_enabled()) return with_running_statistics(conv, addend, layer, wants_sum);
  Tensor y = conv2d(conv.x, conv.weight, conv.stride, conv.padding);
  if (addend.defined()) y = add_(y, addend);
  return {y, batch_norm(y, weight, bias, running_mean, running_var, options)};
}

}  // namespace bptplr
