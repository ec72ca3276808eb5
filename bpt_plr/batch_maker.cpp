#include "bpt_plr/batch_maker.hpp"

#include <algorithm>

#include "data/subset.hpp"
#include "engine/error.hpp"
#include "engine/random.hpp"
#include "engine/range.hpp"

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

BatchMaker::BatchMaker(const EpochContext& context, const CoDivision& division)
    : context_(context),
      division_(division),
      labelled_(passes(division.partition.labelled, Purpose::kLabelled)),
      unlabelled_(passes(division.partition.unlabelled, Purpose::kUnlabelled)) {}

IterationInputs BatchMaker::next(std::int64_t iteration) {
  const Range range("inputs");
  const auto x_positions = labelled_.next();
  const auto u_positions = unlabelled_.next();
  const auto x = select(division_.partition.labelled, x_positions);
  const auto u = select(division_.partition.unlabelled, u_positions);
  ViewPlan weak = plan_view_stack(context_, u, View::kWeak, iteration, 0, 2);
  weak.append(plan_view_stack(context_, x, View::kWeak, iteration, 0, 2));
  ViewPlan strong = plan_view_stack(context_, x, View::kStrong, iteration, 2, 2);
  strong.append(plan_view_stack(context_, u, View::kStrong, iteration, 2, 2));

  IterationInputs inputs;
  inputs.weak = context_.views.inputs(weak);
  inputs.strong = context_.views.inputs(strong);
  inputs.labels = vector_of(select(context_.samples.noisy_labels, x));
  std::vector<float> w;
  w.reserve(x.size());
  for (const std::int64_t i : x) {
    w.push_back(static_cast<float>(division_.clean_probability[static_cast<std::size_t>(i)]));
  }
  inputs.clean_probability = vector_of(w);
  choose_class_sets(x, u, x_positions, u_positions, inputs);
  draw_mixup(iteration, std::ssize(strong.indices), inputs);
  prefetch(context_, select(division_.partition.labelled, labelled_.upcoming()));
  prefetch(context_, select(division_.partition.unlabelled, unlabelled_.upcoming()));
  return inputs;
}

void BatchMaker::skip() {
  labelled_.next();
  unlabelled_.next();
}

double BatchMaker::lambda() const {
  const Recipe& recipe = context_.recipe;
  const auto size_x = static_cast<std::int64_t>(division_.partition.labelled.size());
  const std::int64_t num_iter = size_x / recipe.batch_size + 1;
  const double passed =
      static_cast<double>(context_.epoch - recipe.warm_up) +
      static_cast<double>(std::max<std::int64_t>(labelled_.taken_from_pass() - 1, 0)) /
          static_cast<double>(num_iter);
  if (recipe.lambda_ramp == 0.0) return recipe.lambda_u;
  return recipe.lambda_u * std::clamp(passed / recipe.lambda_ramp, 0.0, 1.0);
}

ShuffledPasses BatchMaker::passes(const std::vector<std::int64_t>& set, Purpose purpose) const {
  return {static_cast<std::int64_t>(set.size()),
          context_.recipe.batch_size,
          context_.seed(),
          purpose,
          static_cast<std::uint32_t>(context_.epoch),
          static_cast<std::uint32_t>(context_.network)};
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
  const IterationScalars scalars{
      learning_rate(recipe, context_.epoch), std::max(l, 1.0 - l), {1.0, lambda(), recipe.penalty}};
  inputs.scalars = Tensor::from_bytes(std::as_bytes(std::span(&scalars, 1)), Device{});
  inputs.permutation = vector_of(random.permutation(rows));
}

}  // namespace bptplr
