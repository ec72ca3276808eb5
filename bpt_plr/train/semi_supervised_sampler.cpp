#include <algorithm>

#include "bpt_plr/method/semi_supervised_step.hpp"
#include "bpt_plr/recipe/schedules.hpp"
#include "bpt_plr/train/sampler.hpp"
#include "data/subset.hpp"
#include "engine/profile/range.hpp"

namespace bptplr {
namespace {

/// Returns `values` as a tensor of one axis, on the CPU.
template <class T>
Tensor vector_of(const std::vector<T>& values) {
  return Tensor::from(values, {std::ssize(values)});
}

template <class A, class B>
auto join(const A& a, const B& b) {
  std::vector all(a.begin(), a.end());
  all.insert(all.end(), b.begin(), b.end());
  return all;
}

}  // namespace

Passes plan_passes(const Recipe& recipe, const Division& division) {
  constexpr std::int64_t kMostTimes = 10;
  const std::int64_t batch = recipe.batch_size;
  const std::int64_t size_x = std::ssize(division.partition.labelled);
  const std::int64_t size_u = std::ssize(division.partition.unlabelled);
  Passes plan{batch, batch, 0, Incomplete::kDrop};
  if (recipe.incomplete_batches == IncompleteBatches::kKeep) plan.incomplete = Incomplete::kKeep;
  if (recipe.batch_u == BatchU::kFilterRate && division.num_clean > 0) {
    plan.batch_u = std::clamp<std::int64_t>(batch * (size_x + size_u) / (2 * division.num_clean), 1,
                                            kMostTimes * batch);
  }
  const auto pass = [&](std::int64_t size, std::int64_t of_batch) {
    return ShuffledPasses(size, of_batch, plan.incomplete, 0, Purpose::kLabelled, 0, 0)
        .batches_per_pass();
  };
  plan.iterations = recipe.epoch_length == EpochLength::kAll ? (size_x + size_u) / batch + 1
                    : size_x > 0                             ? pass(size_x, plan.batch_x)
                                                             : pass(size_u, plan.batch_u);
  return plan;
}

double unlabelled_weight(const Recipe& recipe, std::int64_t epoch_of_stage, std::int64_t b,
                         std::int64_t size_x) {
  const std::int64_t num_iter = size_x / recipe.batch_size + 1;
  const double passed = static_cast<double>(epoch_of_stage - recipe.warm_up) +
                        static_cast<double>(b) / static_cast<double>(num_iter);
  if (recipe.lambda_ramp == 0.0) return recipe.lambda_u;
  return recipe.lambda_u * std::clamp(passed / recipe.lambda_ramp, 0.0, 1.0);
}

SemiSupervisedSampler::SemiSupervisedSampler(const NetworkEpoch& epoch, const Division& division)
    : epoch_(epoch),
      division_(division),
      partition_(division.partition),
      passes_(plan_passes(epoch.recipe, division)),
      strong_views_(SemiSupervisedStep::wants_strong_views(epoch.recipe)),
      labelled_(shuffled(partition_.labelled, passes_.batch_x, Purpose::kLabelled)),
      unlabelled_(shuffled(partition_.unlabelled, passes_.batch_u, Purpose::kUnlabelled)) {
  require_countable(passes_.iterations);
}

Batch SemiSupervisedSampler::next() {
  const Range range("inputs");
  const auto x_positions = labelled_.next();
  const auto u_positions = unlabelled_.next();
  const auto x = select(partition_.labelled, x_positions);
  const auto u = select(partition_.unlabelled, u_positions);
  Batch batch;
  batch.group = epoch_.group;
  batch.sync_batch_norm = epoch_.recipe.sync_batch_norm;
  batch.samples = std::ssize(x) + std::ssize(u);
  batch.labels = vector_of(select(epoch_.samples.noisy_labels, x));
  batch.clean_probability = weights_of(x);
  choose_class_sets(x, u, x_positions, u_positions, batch);
  batch.dropout = epoch_.dropout_key(next_);
  draw_mixup(2 * batch.samples, batch);
  plan_views(x, u, batch);
  epoch_.prefetch(select(partition_.labelled, labelled_.upcoming()));
  epoch_.prefetch(select(partition_.unlabelled, unlabelled_.upcoming()));
  ++next_;
  return batch;
}

/// Plans the views of the labelled samples x and the unlabelled ones u.
void SemiSupervisedSampler::plan_views(std::span<const std::int64_t> x,
                                       std::span<const std::int64_t> u, Batch& batch) const {
  const auto size_x = std::ssize(x);
  const auto size_u = std::ssize(u);
  const auto weak_u = epoch_.plan_views(u, View::kWeak, next_, 0, 2);
  const auto weak_x = epoch_.plan_views(x, View::kWeak, next_, 0, 2);
  batch.weak =
      epoch_.views.inputs(epoch_.own_views(join(weak_u, weak_x), {size_u, size_u, size_x, size_x}));
  const auto strong = strong_views_ ? join(epoch_.plan_views(x, View::kStrong, next_, 2, 2),
                                           epoch_.plan_views(u, View::kStrong, next_, 2, 2))
                                    : std::vector<PlannedView>();
  const std::vector<std::int64_t> parts{size_x, size_x, size_u, size_u};
  if (strong_views_) batch.strong = epoch_.views.inputs(epoch_.own_views(strong, parts));
  const bool mixes_weak = epoch_.recipe.trained_views == TrainedViews::kWeak;
  epoch_.plan_partners(mixes_weak ? join(weak_x, weak_u) : strong, parts, batch);
}

void SemiSupervisedSampler::skip() {
  labelled_.next();
  unlabelled_.next();
  ++next_;
}

/// Returns the weight of L_U in the current batch.
double SemiSupervisedSampler::lambda() const {
  return unlabelled_weight(epoch_.recipe, epoch_.epoch_of_stage,
                           std::max<std::int64_t>(labelled_.taken_from_pass() - 1, 0),
                           std::ssize(partition_.labelled));
}

ShuffledPasses SemiSupervisedSampler::shuffled(const std::vector<std::int64_t>& set,
                                               std::int64_t batch_size, Purpose purpose) const {
  return {std::ssize(set),        batch_size, passes_.incomplete,
          epoch_.seed(),          purpose,    epoch_.stream_epoch(),
          epoch_.stream_network()};
}

/// Returns w, the weight of the labels in co-refinement, as float32 [samples.size()].
Tensor SemiSupervisedSampler::weights_of(std::span<const std::int64_t> samples) const {
  std::vector<float> w;
  w.reserve(samples.size());
  for (const std::int64_t i : samples) {
    w.push_back(static_cast<float>(division_.weight[static_cast<std::size_t>(i)]));
  }
  return vector_of(w);
}

void SemiSupervisedSampler::choose_class_sets(std::span<const std::int64_t> x,
                                              std::span<const std::int64_t> u,
                                              std::span<const std::int64_t> x_positions,
                                              std::span<const std::int64_t> u_positions,
                                              Batch& batch) const {
  // The published script indexes logits by the position within X or U.
  const bool own = epoch_.recipe.class_set_rows == ClassSetRows::kSample;
  batch.set_rows = vector_of(own ? join(x, u) : join(x_positions, u_positions));
  batch.set_labels = vector_of(select(epoch_.samples.noisy_labels, join(x, u)));
}

/// Draws the MixUp of `rows` rows with one another.
void SemiSupervisedSampler::draw_mixup(std::int64_t rows, Batch& batch) const {
  const Recipe& recipe = epoch_.recipe;
  Philox random = epoch_.mixup_stream(next_);
  const double l = random.beta(recipe.alpha, recipe.alpha);
  const double lambda_u = lambda();
  batch.known = {{"lambda_u", lambda_u}};
  batch.scalars = make_scalars(learning_rate(recipe, epoch_.epoch_of_stage), std::max(l, 1.0 - l),
                               lambda_u, recipe.penalty);
  batch.permutation = vector_of(random.permutation(rows));
}

}  // namespace bptplr
