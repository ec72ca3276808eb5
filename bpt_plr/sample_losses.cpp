#include "bpt_plr/sample_losses.hpp"

#include "engine/memory.hpp"
#include "kernels/sample_losses.hpp"

namespace bptplr {
namespace {

std::vector<float> normalized_loss(const Tensor& logits, std::span<const std::int64_t> labels) {
  std::vector<float> losses(labels.size());
  const auto n = static_cast<std::int64_t>(labels.size());
  kernels::sample_cross_entropy(cpu_context(), n, logits.size(1), logits.data<float>(),
                                labels.data(), losses.data());
  kernels::min_max_normalize(cpu_context(), n, losses.data(), losses.data());
  return losses;
}

std::vector<float> mean_of(const std::deque<std::vector<float>>& history) {
  std::vector<float> mean(history.front().size(), 0.0F);
  for (const std::vector<float>& losses : history) {
    for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += losses[i];
  }
  for (float& value : mean) value /= static_cast<float>(history.size());
  return mean;
}

}  // namespace

NormalizedLosses LossTracker::update(const KeptOutputs& kept,
                                     std::span<const std::int64_t> noisy_labels) {
  classifier_.push_back(normalized_loss(kept.logits, noisy_labels));
  if (classifier_.size() > history_) classifier_.pop_front();
  return {mean_of(classifier_), normalized_loss(kept.prototype_logits, noisy_labels)};
}

}  // namespace bptplr
