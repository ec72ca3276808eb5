// The softmax family and cross-entropy.
#include "engine/dispatch.hpp"
#include "engine/ops.hpp"
#include "engine/profile/range.hpp"
#include "engine/profile/work.hpp"
#include "engine/rank.hpp"
#include "kernels/softmax.hpp"

namespace bptplr {

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

}  // namespace bptplr
