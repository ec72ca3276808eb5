// Elementwise functions, the softmax family, normalisation, concatenation.
#include <algorithm>
#include <cstring>

#include "engine/dispatch.hpp"
#include "engine/ops.hpp"
#include "engine/profile/range.hpp"
#include "engine/profile/work.hpp"
#include "kernels/bias.hpp"
#include "kernels/dropout.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/gather.hpp"
#include "kernels/l2_normalize.hpp"
#include "kernels/softmax.hpp"

namespace bptplr {
namespace {

void require_same_shape(const Tensor& a, const Tensor& b, const char* function) {
  require(a.shape() == b.shape(), "{} needs equal shapes, not {} and {}", function,
          to_string(a.shape()), to_string(b.shape()));
}

void require_matrix(const Tensor& x, const char* function) {
  require(x.shape().size() == 2 && x.size(1) > 0, "{} needs a matrix, not a tensor of shape {}",
          function, to_string(x.shape()));
}

std::size_t byte_size(const Tensor& x) {
  return static_cast<std::size_t>(x.numel()) * element_size(x.dtype());
}

}  // namespace

Tensor relu(const Tensor& x) {
  const Range range("elementwise", moved(2 * x.numel(), x.dtype()));
  Tensor y = Tensor::empty_like(x);
  dispatch_activation(x, [&](const auto& ctx, auto zero) {
    using T = decltype(zero);
    kernels::relu_forward(ctx, x.data<T>(), y.data<T>(), x.numel());
  });
  return record(y, {x}, [y = y.detach()](const Tensor& dy) {
    const Range backward_range("elementwise", moved(3 * dy.numel(), dy.dtype()));
    Tensor dx = Tensor::empty_like(dy);
    dispatch_activation(dy, [&](const auto& ctx, auto zero) {
      using T = decltype(zero);
      kernels::relu_backward(ctx, y.data<T>(), dy.data<T>(), dx.data<T>(), dy.numel());
    });
    return std::vector<Tensor>{dx};
  });
}

Tensor leaky_relu(const Tensor& x, double slope) {
  const Range range("elementwise", moved(2 * x.numel(), x.dtype()));
  Tensor y = Tensor::empty_like(x);
  dispatch_activation(x, [&](const auto& ctx, auto zero) {
    using T = decltype(zero);
    kernels::leaky_relu_forward(ctx, static_cast<StatOf<T>>(slope), x.data<T>(), y.data<T>(),
                                x.numel());
  });
  return record(y, {x}, [slope, y = y.detach()](const Tensor& dy) {
    const Range backward_range("elementwise", moved(3 * dy.numel(), dy.dtype()));
    Tensor dx = Tensor::empty_like(dy);
    dispatch_activation(dy, [&](const auto& ctx, auto zero) {
      using T = decltype(zero);
      kernels::leaky_relu_backward(ctx, static_cast<StatOf<T>>(slope), y.data<T>(), dy.data<T>(),
                                   dx.data<T>(), dy.numel());
    });
    return std::vector<Tensor>{dx};
  });
}

namespace {

/// The product with the mask, which is also how its gradient follows.
Tensor masked(const Tensor& x, const kernels::DropoutShape& shape,
              const kernels::PhiloxStream& stream) {
  const Range range("dropout", moved(2 * x.numel(), x.dtype()));
  Tensor y = Tensor::empty_like(x);
  dispatch_activation(x, [&](const auto& ctx, auto zero) {
    using T = decltype(zero);
    kernels::dropout(ctx, shape, stream, x.data<T>(), y.data<T>());
  });
  return record(std::move(y), {x}, [shape, stream](const Tensor& dy) {
    return std::vector<Tensor>{masked(dy, shape, stream)};
  });
}

float checked_rate(double rate) {
  require(rate >= 0.0 && rate < 1.0, "dropout of a share of {} is not possible; use 0 to below 1",
          rate);
  return static_cast<float>(rate);
}

}  // namespace

Tensor dropout(const Tensor& x, double rate, const Philox& random) {
  return masked(x, {1, 1, x.numel(), checked_rate(rate)}, random.stream());
}

Tensor dropout2d(const Tensor& x, double rate, const Philox& random) {
  require(x.shape().size() == 4, "dropout2d needs images, not a tensor of shape {}",
          to_string(x.shape()));
  return masked(x, {x.size(0), x.size(1) * x.size(2), x.size(3), checked_rate(rate)},
                random.stream());
}

Tensor add_(const Tensor& a, const Tensor& b) {
  const Range range("elementwise", moved(3 * a.numel(), a.dtype()));
  require_same_shape(a, b, "add");
  Tensor result = a.detach();
  dispatch_activation(a, [&](const auto& ctx, auto zero) {
    using T = decltype(zero);
    kernels::add(ctx, a.data<T>(), b.data<T>(), result.data<T>(), a.numel());
  });
  return record(std::move(result), {a, b}, [](const Tensor& dy) {
    return std::vector<Tensor>{dy, dy};
  });
}

Tensor add(const Tensor& a, const Tensor& b) {
  const Range range("elementwise", moved(3 * a.numel(), a.dtype()));
  require_same_shape(a, b, "add");
  Tensor result = Tensor::empty_like(a);
  dispatch_activation(a, [&](const auto& ctx, auto zero) {
    using T = decltype(zero);
    kernels::add(ctx, a.data<T>(), b.data<T>(), result.data<T>(), a.numel());
  });
  return record(std::move(result), {a, b}, [](const Tensor& dy) {
    return std::vector<Tensor>{dy, dy};
  });
}

Tensor scale(const Tensor& x, double factor) {
  const Range range("elementwise", moved(2 * x.numel(), x.dtype()));
  Tensor y = Tensor::empty_like(x);
  dispatch_activation(x, [&](const auto& ctx, auto zero) {
    using T = decltype(zero);
    kernels::scale(ctx, static_cast<StatOf<T>>(factor), x.data<T>(), y.data<T>(), x.numel());
  });
  return record(std::move(y), {x},
                [factor](const Tensor& dy) { return std::vector<Tensor>{scale(dy, factor)}; });
}

Tensor multiply(const Tensor& a, const Tensor& b) {
  const Range range("elementwise", moved(3 * a.numel(), a.dtype()));
  require_same_shape(a, b, "multiply");
  Tensor y = Tensor::empty_like(a);
  dispatch_activation(a, [&](const auto& ctx, auto zero) {
    using T = decltype(zero);
    kernels::multiply(ctx, a.data<T>(), b.data<T>(), y.data<T>(), a.numel());
  });
  return record(std::move(y), {a, b}, [a, b](const Tensor& dy) {
    return std::vector<Tensor>{a.requires_grad() ? multiply(dy, b) : Tensor(),
                               b.requires_grad() ? multiply(dy, a) : Tensor()};
  });
}

Tensor sum(const Tensor& x) {
  const Range range("elementwise", moved(x.numel(), x.dtype()));
  Tensor y = Tensor::empty({1}, x.dtype(), x.device());
  dispatch_float(x, [&](const auto& ctx, auto zero) {
    using T = decltype(zero);
    kernels::sum(ctx, x.data<T>(), y.data<T>(), x.numel());
  });
  return record(std::move(y), {x}, [shape = x.shape()](const Tensor& dy) {
    return std::vector<Tensor>{Tensor::full(shape, dy.item(), dy.dtype(), dy.device())};
  });
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

Tensor softmax(const Tensor& x) {
  const Range range("softmax", moved(2 * x.numel(), x.dtype()));
  require_matrix(x, "softmax");
  Tensor y = Tensor::empty_like(x);
  dispatch_float(x, [&](const auto& ctx, auto zero) {
    using T = decltype(zero);
    kernels::softmax(ctx, x.data<T>(), y.data<T>(), x.size(0), x.size(1));
  });
  return y;
}

Tensor log_softmax(const Tensor& x) {
  const Range range("softmax", moved(2 * x.numel(), x.dtype()));
  require_matrix(x, "log_softmax");
  Tensor y = Tensor::empty_like(x);
  dispatch_float(x, [&](const auto& ctx, auto zero) {
    using T = decltype(zero);
    kernels::log_softmax_forward(ctx, x.data<T>(), y.data<T>(), x.size(0), x.size(1));
  });
  return record(y, {x}, [y = y.detach()](const Tensor& dy) {
    const Range backward_range("softmax", moved(3 * dy.numel(), dy.dtype()));
    Tensor dx = Tensor::empty_like(dy);
    dispatch_float(dy, [&](const auto& ctx, auto zero) {
      using T = decltype(zero);
      kernels::log_softmax_backward(ctx, y.data<T>(), dy.data<T>(), dx.data<T>(), dy.size(0),
                                    dy.size(1));
    });
    return std::vector<Tensor>{dx};
  });
}

Tensor soft_cross_entropy(const Tensor& logits, const Tensor& target) {
  const Range range("losses", moved(3 * logits.numel(), logits.dtype()));
  require_matrix(logits, "soft_cross_entropy");
  require_same_shape(logits, target, "soft_cross_entropy");
  Tensor loss = Tensor::empty({1}, logits.dtype(), logits.device());
  Tensor dlogits = Tensor::empty_like(logits);
  dispatch_float(logits, [&](const auto& ctx, auto zero) {
    using T = decltype(zero);
    kernels::soft_cross_entropy(ctx, logits.data<T>(), target.data<T>(), logits.size(0),
                                logits.size(1), loss.data<T>(), dlogits.data<T>());
  });
  return record(std::move(loss), {logits},
                [dlogits](const Tensor& dy) { return std::vector<Tensor>{scale_by(dlogits, dy)}; });
}

Tensor one_hot(std::span<const std::int64_t> labels, std::int64_t classes, DType dtype) {
  Tensor y = Tensor::zeros({static_cast<std::int64_t>(labels.size()), classes}, dtype);
  dispatch_float(y, [&](const auto&, auto zero) {
    using T = decltype(zero);
    T* row = y.data<T>();
    for (const std::int64_t label : labels) {
      require(label >= 0 && label < classes, "label {} is outside 0..{}", label, classes - 1);
      row[label] = T{1};
      row += classes;
    }
  });
  return y;
}

Tensor cross_entropy(const Tensor& logits, std::span<const std::int64_t> labels) {
  require_matrix(logits, "cross_entropy");
  return soft_cross_entropy(logits,
                            one_hot(labels, logits.size(1), logits.dtype()).to(logits.device()));
}

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
  dispatch_float32(x, [&](const auto& ctx) {
    kernels::gather_rows(ctx, shape[0], length, x.data<float>(), index.data<std::int64_t>(),
                         y.data<float>());
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
