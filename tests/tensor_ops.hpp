// Differentiable operations that tests make losses with, on tensors of any device, by plain loops
// on the CPU.
#pragma once

#include <span>
#include <vector>

#include "engine/autograd.hpp"
#include "engine/dispatch.hpp"
#include "engine/ops.hpp"
#include "engine/tensor.hpp"

namespace bptplr {

/// Sum of all elements -> [1].
inline Tensor sum(const Tensor& x) {
  const Tensor here = x.to(Device{});
  double total = 0.0;
  dispatch_float(here, [&](const auto&, auto zero) {
    for (const auto value : here.span<decltype(zero)>()) total += value;
  });
  return record(Tensor::full({1}, total, x.dtype()).to(x.device()), {x},
                [shape = x.shape()](const Tensor& dy) {
                  return std::vector{Tensor::full(shape, dy.item(), dy.dtype(), dy.device())};
                });
}

/// Elementwise product.
inline Tensor multiply(const Tensor& a, const Tensor& b) {
  const Tensor left = a.to(Device{});
  const Tensor right = b.to(Device{});
  Tensor y = Tensor::empty_like(left);
  dispatch_float(left, [&](const auto&, auto zero) {
    using T = decltype(zero);
    for (std::int64_t i = 0; i < y.numel(); ++i) {
      y.data<T>()[i] = left.data<T>()[i] * right.data<T>()[i];
    }
  });
  return record(y.to(a.device()), {a, b}, [a, b](const Tensor& dy) {
    return std::vector<Tensor>{a.requires_grad() ? multiply(dy, b) : Tensor(),
                               b.requires_grad() ? multiply(dy, a) : Tensor()};
  });
}

/// Mean cross-entropy of logits [n, classes] with integer labels -> [1].
inline Tensor cross_entropy(const Tensor& logits, std::span<const std::int64_t> labels) {
  return soft_cross_entropy(logits,
                            one_hot(labels, logits.size(1), logits.dtype()).to(logits.device()));
}

}  // namespace bptplr
