// Row operations on tensors: normalise, gather, concatenate, slice.
#include "engine/dispatch.hpp"
#include "engine/ops.hpp"
#include "engine/profile/range.hpp"
#include "engine/profile/work.hpp"
#include "engine/rank.hpp"
#include "kernels/gather.hpp"
#include "kernels/l2_normalize.hpp"

namespace bptplr {
namespace {

std::size_t byte_size(const Tensor& x) {
  return static_cast<std::size_t>(x.numel()) * element_size(x.dtype());
}

}  // namespace

Tensor l2_normalize(const Tensor& x) {
  const Range range("l2_normalize", moved(2 * x.numel(), x.dtype()));
  require_matrix(x, "l2_normalize");
  Tensor y = Tensor::empty_like(x);
  Tensor norm = Tensor::empty({x.size(0)}, x.dtype(), x.device());
  dispatch_float(x, [&](const auto& ctx, auto zero) {
    using T = decltype(zero);
    kernels::l2_normalize_forward(ctx, x.data<T>(), y.data<T>(), norm.data<T>(), x.size(0),
                                  x.size(1));
  });
  return record(y, {x}, [y = y.detach(), norm](const Tensor& dy) {
    const Range backward_range("l2_normalize", moved(3 * dy.numel(), dy.dtype()));
    Tensor dx = Tensor::empty_like(dy);
    dispatch_float(dy, [&](const auto& ctx, auto zero) {
      using T = decltype(zero);
      kernels::l2_normalize_backward(ctx, y.data<T>(), norm.data<T>(), dy.data<T>(), dx.data<T>(),
                                     dy.size(0), dy.size(1));
    });
    return std::vector<Tensor>{dx};
  });
}

Tensor gather_rows(const Tensor& x, const Tensor& index) {
  Shape shape = x.shape();
  const std::int64_t length = shape[0] == 0 ? 0 : x.numel() / shape[0];
  const Range range("copy", moved(2 * index.numel() * length, x.dtype()));
  if (index.device().type == DeviceType::kCpu) {
    for (const std::int64_t row : index.span<std::int64_t>()) {
      require(row >= 0 && row < shape[0], "row {} is outside a tensor of shape {}", row,
              to_string(x.shape()));
    }
  }
  shape[0] = index.numel();
  Tensor y = Tensor::empty(shape, x.dtype(), x.device());
  dispatch_activation(x, [&](const auto& ctx, auto zero) {
    using T = decltype(zero);
    kernels::gather_rows(ctx, shape[0], length, x.data<T>(), index.data<std::int64_t>(),
                         y.data<T>());
  });
  return y;
}

Tensor concat(const std::vector<Tensor>& parts) {
  require(!parts.empty(), "concat needs at least one tensor");
  Shape shape = parts.front().shape();
  shape[0] = 0;
  for (const Tensor& part : parts) {
    Shape tail = part.shape();
    shape[0] += std::exchange(tail[0], shape[0]);
    tail[0] = shape[0];
    require(tail == shape && part.dtype() == parts.front().dtype(),
            "concat: a {} tensor of shape {} does not fit one of shape {}", to_string(part.dtype()),
            to_string(part.shape()), to_string(parts.front().shape()));
  }
  Tensor y = Tensor::empty(shape, parts.front().dtype(), parts.front().device());
  const Range range("copy", moved(2 * y.numel(), y.dtype()));
  auto* target = static_cast<char*>(y.raw());
  std::vector<std::int64_t> ends;
  for (const Tensor& part : parts) {
    copy_bytes(y.device(), target, part.device(), part.raw(), byte_size(part));
    target += byte_size(part);
    ends.push_back((ends.empty() ? 0 : ends.back()) + part.size(0));
  }
  return record(std::move(y), parts, [ends](const Tensor& dy) {
    std::vector<Tensor> grads;
    std::int64_t begin = 0;
    for (const std::int64_t end : ends) {
      grads.push_back(dy.rows(begin, end));
      begin = end;
    }
    return grads;
  });
}

Tensor slice(const Tensor& x, std::int64_t begin, std::int64_t end) {
  return record(x.rows(begin, end), {x}, [shape = x.shape(), begin, end](const Tensor& dy) {
    const Range range("copy", moved(numel(shape) + dy.numel(), dy.dtype()));
    Tensor dx = Tensor::zeros(shape, dy.dtype(), dy.device());
    dx.rows(begin, end).copy_from(dy);
    return std::vector<Tensor>{dx};
  });
}

}  // namespace bptplr
