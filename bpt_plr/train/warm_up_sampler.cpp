#include <algorithm>

#include "bpt_plr/method/warm_up_step.hpp"
#include "bpt_plr/recipe/schedules.hpp"
#include "bpt_plr/train/sampler.hpp"
#include "data/subset.hpp"
#include "engine/profile/range.hpp"

namespace bptplr {
namespace {

/// Returns the number of batches, without a last one of a single sample, which batch normalisation
/// cannot train on.
std::int64_t batches_of(std::int64_t samples, std::int64_t batch_size) {
  const bool leaves_one = samples > batch_size && samples % batch_size == 1;
  return leaves_one ? samples / batch_size : (samples + batch_size - 1) / batch_size;
}

}  // namespace

WarmUpSampler::WarmUpSampler(const NetworkEpoch& epoch)
    : epoch_(epoch),
      batch_size_(epoch.recipe.batch_size * epoch.recipe.warm_up_batch_factor),
      iterations_(batches_of(epoch.samples.size(), batch_size_)),
      strong_views_(WarmUpStep::wants_strong_views(epoch.recipe)),
      lr_(learning_rate(epoch.recipe, epoch.epoch_of_stage)),
      order_(Philox(epoch.seed(), Purpose::kShuffle, epoch.stream_epoch(), epoch.stream_network())
                 .permutation(epoch.samples.size())) {
  require_countable(iterations_);
}

Batch WarmUpSampler::next() {
  const Range range("inputs");
  const auto samples = samples_of(next_);
  epoch_.prefetch(samples_of(next_ + 1));
  Batch batch;
  batch.group = epoch_.group;
  batch.sync_batch_norm = epoch_.recipe.sync_batch_norm;
  batch.samples = std::ssize(samples);
  const std::int64_t n = batch.samples;
  const auto weak = epoch_.plan_views(samples, View::kWeak, next_, 0, 1);
  batch.weak = epoch_.views.inputs(epoch_.own_views(weak, {n}));
  if (strong_views_) {
    const auto strong = epoch_.plan_views(samples, View::kStrong, next_, 2, 2);
    batch.strong = epoch_.views.inputs(epoch_.own_views(strong, {n, n}));
  }
  batch.labels = Tensor::from(select(epoch_.samples.noisy_labels, samples), {batch.samples});
  batch.dropout = epoch_.dropout_key(next_);
  double mix = 1.0;
  if (const double alpha = epoch_.recipe.mixup_alpha; alpha > 0.0) {
    Philox random = epoch_.mixup_stream(next_);
    mix = random.beta(alpha, alpha);
    batch.permutation = Tensor::from(random.permutation(n), {n});
    epoch_.plan_partners(weak, {n}, batch);
  }
  batch.scalars = make_scalars(lr_, mix, 0.0, 0.0);
  ++next_;
  return batch;
}

std::span<const std::int64_t> WarmUpSampler::samples_of(std::int64_t iteration) const {
  const std::int64_t n = std::ssize(order_);
  const std::int64_t first = std::min(iteration * batch_size_, n);
  return std::span(order_).subspan(static_cast<std::size_t>(first),
                                   static_cast<std::size_t>(std::min(batch_size_, n - first)));
}

}  // namespace bptplr
