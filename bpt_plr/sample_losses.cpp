#include "bpt_plr/sample_losses.hpp"

#include <iterator>

#include "engine/dispatch.hpp"
#include "engine/ops.hpp"
#include "engine/range.hpp"
#include "engine/work.hpp"
#include "kernels/sample_losses.hpp"

namespace bptplr {
namespace {

Tensor normalized_loss(const Tensor& logits, const Tensor& labels) {
  const std::int64_t n = logits.size(0);
  Tensor losses = Tensor::empty({n}, DType::kFloat32, logits.device());
  dispatch_float32(logits, [&](const auto& ctx) {
    kernels::sample_cross_entropy(ctx, n, logits.size(1), logits.data<float>(),
                                  labels.data<std::int64_t>(), losses.data<float>());
    kernels::min_max_normalize(ctx, n, losses.data<float>(), losses.data<float>());
  });
  return losses;
}

Tensor mean_of(const std::map<std::int64_t, Tensor>& history) {
  const Tensor& first = history.begin()->second;
  if (history.size() == 1) return first;
  Tensor mean = first.clone();
  for (auto later = std::next(history.begin()); later != history.end(); ++later) {
    mean = add_(mean, later->second);
  }
  return scale(mean, 1.0 / static_cast<double>(history.size()));
}

}  // namespace

NormalizedLosses LossTracker::update(std::int64_t epoch, const KeptOutputs& kept,
                                     std::span<const std::int64_t> noisy_labels) {
  const std::int64_t n = kept.logits.size(0);
  const Range range("sample losses", moved(2 * kept.logits.numel() + 2 * n, DType::kFloat32));
  const NoGrad no_grad;
  const Tensor labels =
      Tensor::from(noisy_labels, {std::ssize(noisy_labels)}).to(kept.logits.device());
  classifier_.insert_or_assign(epoch, normalized_loss(kept.logits, labels));
  classifier_.erase(classifier_.begin(), classifier_.lower_bound(epoch - history_ + 1));
  return {mean_of(classifier_), normalized_loss(kept.prototype_logits, labels)};
}

}  // namespace bptplr
