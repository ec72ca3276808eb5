// Elementwise functions and dropout.
#include "engine/dispatch.hpp"
#include "engine/ops.hpp"
#include "engine/profile/range.hpp"
#include "engine/profile/work.hpp"
#include "engine/rank.hpp"
#include "engine/row_shards.hpp"
#include "kernels/dropout.hpp"
#include "kernels/elementwise.hpp"

namespace bptplr {
namespace {

/// Calls kernel(context, pointer of each input, pointer of `out`, number of elements), all of one
/// activation type, and returns `out`.
template <class Kernel, class... Inputs>
Tensor elementwise(Tensor out, Kernel&& kernel, const Inputs&... inputs) {
  constexpr std::int64_t kArrays = 1 + sizeof...(inputs);
  const Range range("elementwise", moved(kArrays * out.numel(), out.dtype()));
  dispatch_activation(out, [&](const auto& ctx, auto zero) {
    using T = decltype(zero);
    kernel(ctx, inputs.template data<T>()..., out.data<T>(), out.numel());
  });
  return out;
}

/// Returns forward(x); its gradient is backward(y, dy), which needs the result y but not x.
template <class Forward, class Backward>
Tensor elementwise_of_result(const Tensor& x, Forward&& forward, Backward&& backward) {
  Tensor y = elementwise(Tensor::empty_like(x), forward, x);
  return record(y, {x}, [backward, y = y.detach()](const Tensor& dy) {
    return std::vector<Tensor>{elementwise(Tensor::empty_like(dy), backward, y, dy)};
  });
}

/// Writes a + b to `out`.
Tensor sum_in(Tensor out, const Tensor& a, const Tensor& b) {
  require_same_shape(a, b, "add");
  const auto kernel = [](const auto&... args) { kernels::add(args...); };
  return record(elementwise(std::move(out), kernel, a, b), {a, b}, [](const Tensor& dy) {
    return std::vector<Tensor>{dy, dy};
  });
}

}  // namespace

Tensor relu(const Tensor& x) {
  return elementwise_of_result(
      x, [](const auto&... args) { kernels::relu_forward(args...); },
      [](const auto&... args) { kernels::relu_backward(args...); });
}

Tensor leaky_relu(const Tensor& x, double slope) {
  return elementwise_of_result(
      x,
      [slope](const auto& ctx, const auto&... args) {
        kernels::leaky_relu_forward(ctx, slope, args...);
      },
      [slope](const auto& ctx, const auto&... args) {
        kernels::leaky_relu_backward(ctx, slope, args...);
      });
}

Tensor add(const Tensor& a, const Tensor& b) {
  return sum_in(Tensor::empty_like(a), a, b);
}

Tensor add_(const Tensor& a, const Tensor& b) {
  return sum_in(a.detach(), a, b);
}

Tensor scale(const Tensor& x, double factor) {
  const auto kernel = [factor](const auto& ctx, const auto&... args) {
    kernels::scale(ctx, factor, args...);
  };
  return record(elementwise(Tensor::empty_like(x), kernel, x), {x},
                [factor](const Tensor& dy) { return std::vector<Tensor>{scale(dy, factor)}; });
}

Tensor scale_by(const Tensor& x, const Tensor& factor) {
  const Range range("elementwise", moved(2 * x.numel(), x.dtype()));
  require(factor.numel() == 1, "scale_by needs one number, not a tensor of shape {}",
          to_string(factor.shape()));
  Tensor y = Tensor::empty_like(x);
  dispatch_float(x, [&](const auto& ctx, auto zero) {
    using T = decltype(zero);
    kernels::scale_by(ctx, factor.data<T>(), x.data<T>(), y.data<T>(), x.numel());
  });
  return y;
}

namespace {

/// Multiplies rows of a batch, which begin at row `at` of x, by their part of the dropout mask.
void mask_rows(const Tensor& x, kernels::DropoutShape shape, const kernels::PhiloxStream& stream,
               const RowRange& rows, std::int64_t at, Tensor& y) {
  if (rows.size() == 0) return;
  shape.first = rows.begin * shape.channels;
  shape.n = rows.size();
  const std::int64_t offset = at * shape.pixels * shape.channels;
  dispatch_activation(x, [&](const auto& ctx, auto zero) {
    using T = decltype(zero);
    kernels::dropout(ctx, shape, stream, x.data<T>() + offset, y.data<T>() + offset);
  });
}

/// Multiplies by the dropout mask; the gradient is the same function of dy. `shape` is of one row.
Tensor masked(const Tensor& x, const kernels::DropoutShape& shape,
              const kernels::PhiloxStream& stream, const Shards& shards) {
  const Range range("dropout", moved(2 * x.numel(), x.dtype()));
  Tensor y = Tensor::empty_like(x);
  const std::vector<RowRange> slices =
      shards == nullptr ? std::vector{RowRange{0, x.size(0)}} : shards->own_slices();
  std::int64_t at = 0;
  for (const RowRange& rows : slices) {
    mask_rows(x, shape, stream, rows, at, y);
    at += rows.size();
  }
  return record(std::move(y), {x}, [shape, stream, shards](const Tensor& dy) {
    return std::vector<Tensor>{masked(dy, shape, stream, shards)};
  });
}

float checked_rate(double rate) {
  require(rate >= 0.0 && rate < 1.0, "dropout of a share of {} is not possible; use 0 to below 1",
          rate);
  return static_cast<float>(rate);
}

}  // namespace

Tensor dropout(const Tensor& x, double rate, const Philox& random, const Shards& shards) {
  const std::int64_t rows = x.size(0);
  return masked(x, {1, 1, rows == 0 ? 0 : x.numel() / rows, checked_rate(rate)}, random.stream(),
                shards);
}

Tensor dropout2d(const Tensor& x, double rate, const Philox& random, const Shards& shards) {
  require(x.shape().size() == 4, "dropout2d needs images, not a tensor of shape {}",
          to_string(x.shape()));
  return masked(x, {1, x.size(1) * x.size(2), x.size(3), checked_rate(rate)}, random.stream(),
                shards);
}

}  // namespace bptplr
