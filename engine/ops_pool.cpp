// Pooling.
#include "engine/dispatch.hpp"
#include "engine/ops.hpp"
#include "engine/profile/range.hpp"
#include "engine/profile/work.hpp"
#include "engine/rank.hpp"
#include "kernels/adaptive_pool.hpp"
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

/// Returns the type in which the heads of a network compute: float32 for bfloat16 activations.
DType head_type(DType activations) {
  return activations == DType::kBfloat16 ? DType::kFloat32 : activations;
}

}  // namespace

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

Tensor adaptive_avg_pool2d(const Tensor& x, std::int64_t side) {
  require_rank(x, 4, "adaptive_avg_pool2d");
  require(side >= 1 && side <= kernels::kMaxAdaptiveSide,
          "adaptive_avg_pool2d: the side of the map is {}, but must lie in 1 to {}", side,
          kernels::kMaxAdaptiveSide);
  const kernels::AdaptivePoolShape s{x.size(0), x.size(1), x.size(2), x.size(3), side};
  require(s.h > 0 && s.w > 0, "adaptive_avg_pool2d: an input of shape {} has no pixels",
          to_string(x.shape()));
  const DType dtype = x.dtype();
  Tensor y = Tensor::empty({s.n, s.c * s.cells()}, head_type(dtype), x.device());
  Work work = moved(x.numel(), dtype);
  work += moved(y.numel(), y.dtype());
  const Range range("pool", work);
  dispatch_activation(x, [&](const auto& ctx, auto zero) {
    using T = decltype(zero);
    kernels::adaptive_avg_pool_forward(ctx, s, x.data<T>(), y.data<StatOf<T>>());
  });
  return record(std::move(y), {x}, [=](const Tensor& dy) {
    const Range backward_range("pool backward", work);
    Tensor dx = Tensor::empty({s.n, s.h, s.w, s.c}, dtype, dy.device());
    dispatch_activation(dx, [&](const auto& ctx, auto zero) {
      using T = decltype(zero);
      kernels::adaptive_avg_pool_backward(ctx, s, dy.data<StatOf<T>>(), dx.data<T>());
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
  const DType dtype = x.dtype();
  Tensor y = Tensor::empty({n, channels}, head_type(dtype), x.device());
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
