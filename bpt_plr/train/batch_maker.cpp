#include "bpt_plr/train/batch_maker.hpp"

#include <algorithm>

#include "data/subset.hpp"
#include "engine/error.hpp"
#include "engine/profile/range.hpp"
#include "engine/random.hpp"

namespace bptplr {
namespace {

/// 16 bits of a draw number are the iteration, 1 the network, 3 the view.
constexpr std::int64_t kMaxIterations = 1 << 16;

/// `values` as a tensor of one axis, on the CPU.
template <class T>
Tensor vector_of(const std::vector<T>& values) {
  return Tensor::from(values, {std::ssize(values)});
}

std::vector<std::int64_t> join(std::span<const std::int64_t> a, std::span<const std::int64_t> b) {
  std::vector<std::int64_t> all(a.begin(), a.end());
  all.insert(all.end(), b.begin(), b.end());
  return all;
}

}  // namespace

std::uint32_t draw_number(std::int64_t iteration, int network, int view) {
  return static_cast<std::uint32_t>(iteration * 16 + network * 8 + view);
}

void require_countable(std::int64_t iterations) {
  require(iterations < kMaxIterations,
          "an epoch of {} iterations is too long; use a larger --batch_size", iterations);
}

DropoutKey dropout_key(const EpochContext& context, std::int64_t iteration) {
  return {context.seed(), static_cast<std::uint32_t>(context.epoch),
          static_cast<std::uint32_t>(iteration), static_cast<std::uint32_t>(context.network)};
}

ViewPlan plan_view_stack(const EpochContext& context, std::span<const std::int64_t> samples,
                         View view, std::int64_t iteration, int first_view, int views) {
  const auto indices = select(context.samples.indices, samples);
  ViewPlan stack;
  for (int v = first_view; v < first_view + views; ++v) {
    stack.append(context.views.plan(indices, view,
                                    {context.seed(), static_cast<std::uint32_t>(context.epoch),
                                     draw_number(iteration, context.network, v)}));
  }
  return stack;
}

void prefetch(const EpochContext& context, std::span<const std::int64_t> samples) {
  context.views.prefetch(select(context.samples.indices, samples));
}

EpochPlan plan_epoch(const Recipe& recipe, const Division& division) {
  constexpr std::int64_t kMostTimes = 10;
  const std::int64_t batch = recipe.batch_size;
  const std::int64_t size_x = std::ssize(division.partition.labelled);
  const std::int64_t size_u = std::ssize(division.partition.unlabelled);
  EpochPlan plan{batch, batch, 0, Incomplete::kDrop};
  if (recipe.incomplete_batches == "keep") plan.incomplete = Incomplete::kKeep;
  if (recipe.batch_u == "filter_rate" && division.num_clean > 0) {
    plan.batch_u = std::clamp<std::int64_t>(batch * (size_x + size_u) / (2 * division.num_clean), 1,
                                            kMostTimes * batch);
  }
  const auto pass = [&](std::int64_t size, std::int64_t of_batch) {
    return ShuffledPasses(size, of_batch, plan.incomplete, 0, Purpose::kLabelled, 0, 0)
        .batches_per_pass();
  };
  plan.iterations = recipe.epoch_length == "all" ? (size_x + size_u) / batch + 1
                    : size_x > 0                 ? pass(size_x, plan.batch_x)
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

BatchMaker::BatchMaker(const EpochContext& context, const CoDivision& co_division)
    : context_(context),
      co_division_(co_division),
      partition_(co_division.division.partition),
      plan_(plan_epoch(context.recipe, co_division.division)),
      wants_strong_views_(IterationOptions(context.recipe).wants_strong_views()),
      labelled_(passes(partition_.labelled, plan_.batch_x, Purpose::kLabelled)),
      unlabelled_(passes(partition_.unlabelled, plan_.batch_u, Purpose::kUnlabelled)) {}

IterationInputs BatchMaker::next(std::int64_t iteration) {
  const Range range("inputs");
  const auto x_positions = labelled_.next();
  const auto u_positions = unlabelled_.next();
  const auto x = select(partition_.labelled, x_positions);
  const auto u = select(partition_.unlabelled, u_positions);
  ViewPlan weak = plan_view_stack(context_, u, View::kWeak, iteration, 0, 2);
  weak.append(plan_view_stack(context_, x, View::kWeak, iteration, 0, 2));

  IterationInputs inputs;
  inputs.weak = context_.views.inputs(weak);
  if (wants_strong_views_) {
    ViewPlan strong = plan_view_stack(context_, x, View::kStrong, iteration, 2, 2);
    strong.append(plan_view_stack(context_, u, View::kStrong, iteration, 2, 2));
    inputs.strong = context_.views.inputs(strong);
  }
  inputs.labels = vector_of(select(context_.samples.noisy_labels, x));
  inputs.clean_probability = weights_of(x);
  choose_class_sets(x, u, x_positions, u_positions, inputs);
  draw_mixup(iteration, std::ssize(weak.indices), inputs);
  prefetch(context_, select(partition_.labelled, labelled_.upcoming()));
  prefetch(context_, select(partition_.unlabelled, unlabelled_.upcoming()));
  return inputs;
}

void BatchMaker::skip() {
  labelled_.next();
  unlabelled_.next();
}

double BatchMaker::lambda() const {
  return unlabelled_weight(context_.recipe, context_.epoch_of_stage,
                           std::max<std::int64_t>(labelled_.taken_from_pass() - 1, 0),
                           std::ssize(partition_.labelled));
}

ShuffledPasses BatchMaker::passes(const std::vector<std::int64_t>& set, std::int64_t batch_size,
                                  Purpose purpose) const {
  return {std::ssize(set),
          batch_size,
          plan_.incomplete,
          context_.seed(),
          purpose,
          static_cast<std::uint32_t>(context_.epoch),
          static_cast<std::uint32_t>(context_.network)};
}

/// float32 [samples.size()]: what co-refinement gives to their labels.
Tensor BatchMaker::weights_of(std::span<const std::int64_t> samples) const {
  std::vector<float> w;
  w.reserve(samples.size());
  for (const std::int64_t i : samples) {
    w.push_back(static_cast<float>(co_division_.division.weight[static_cast<std::size_t>(i)]));
  }
  return vector_of(w);
}

void BatchMaker::choose_class_sets(std::span<const std::int64_t> x, std::span<const std::int64_t> u,
                                   std::span<const std::int64_t> x_positions,
                                   std::span<const std::int64_t> u_positions,
                                   IterationInputs& inputs) const {
  // The published script looks logits up by the position inside X or U.
  const bool own = context_.recipe.class_set_rows == "sample";
  inputs.set_rows = vector_of(own ? join(x, u) : join(x_positions, u_positions));
  inputs.set_labels = vector_of(select(context_.samples.noisy_labels, join(x, u)));
}

/// `rows`: of A, which is mixed with itself.
void BatchMaker::draw_mixup(std::int64_t iteration, std::int64_t rows,
                            IterationInputs& inputs) const {
  const Recipe& recipe = context_.recipe;
  Philox random(context_.seed(), Purpose::kMixUp, static_cast<std::uint32_t>(context_.epoch),
                static_cast<std::uint32_t>(iteration),
                static_cast<std::uint32_t>(context_.network));
  const double l = random.beta(recipe.alpha, recipe.alpha);
  const IterationScalars scalars{learning_rate(recipe, context_.epoch_of_stage),
                                 std::max(l, 1.0 - l), lambda(), recipe.penalty};
  inputs.scalars = scalars.to_tensor();
  inputs.permutation = vector_of(random.permutation(rows));
}

}  // namespace bptplr
