#include "bpt_plr/train/epoch.hpp"

#include <algorithm>
#include <cmath>
#include <deque>
#include <functional>
#include <nlohmann/json.hpp>
#include <utility>

#include "bpt_plr/method/warm_up_step.hpp"
#include "bpt_plr/train/batch_maker.hpp"
#include "bpt_plr/train/iteration_runner.hpp"
#include "data/subset.hpp"
#include "engine/error.hpp"
#include "engine/memory.hpp"

namespace bptplr {
namespace {

/// Iterations that a GPU may be behind the host: enough that it never waits for the next one, few
/// enough that what is reported is of now.
constexpr std::size_t kMostUnderway = 8;

std::string describe(const LossTerms& terms) {
  std::string text;
  for (const auto& [name, value] : terms) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, value);
  }
  return text;
}

void require_finite(double total, bool found_nonfinite, const EpochContext& context,
                    std::int64_t iteration, const char* phase, const LossTerms& terms) {
  if (std::isfinite(total) && !found_nonfinite) return;
  throw NotFinite(
      "the {} is not finite in epoch {}, {} iteration {} of network {} ({}); lower --lr or check "
      "the data",
      std::isfinite(total) ? "gradient" : "loss", context.epoch, phase, iteration,
      context.network + 1, describe(terms));
}

/// Views of the same samples, one stack after the other, numbered from `first_view`.
Tensor make_view_stack(const EpochContext& context, std::span<const std::int64_t> samples,
                       View view, std::int64_t iteration, int first_view, int views) {
  Tensor stack = context.views.empty(views * std::ssize(samples));
  const ViewPlan plan = plan_view_stack(context, samples, view, iteration, first_view, views);
  context.views.make(to(context.views.inputs(plan), context.views.device()), stack);
  return stack;
}

/// MixUp of a batch of the warm-up: its weight and with which sample each is mixed.
void draw_mixup(const EpochContext& context, std::int64_t iteration, double alpha,
                WarmUpBatch& batch) {
  Philox random(context.seed(), Purpose::kMixUp, static_cast<std::uint32_t>(context.epoch),
                static_cast<std::uint32_t>(iteration), static_cast<std::uint32_t>(context.network));
  batch.mix = random.beta(alpha, alpha);
  batch.permutation = random.permutation(std::ssize(batch.labels));
}

LossTerms to_terms(const WarmUpLosses& losses, const WarmUpOptions& options) {
  LossTerms terms = {{"loss", losses.total},
                     {options.gce_q > 0.0 ? "loss_gce" : "loss_ce", losses.classifier}};
  if (options.negative_entropy) terms["negative_entropy"] = losses.negative_entropy;
  if (options.contrastive != WarmUpContrastive::kNone && options.contrastive_grad) {
    terms["contrastive"] = losses.contrastive;
  }
  return terms;
}

LossTerms to_terms(const IterationLosses& losses, double lambda, const Recipe& recipe) {
  LossTerms terms = {{"loss", losses.total},
                     {"loss_x", losses.loss_x},
                     {"loss_u", losses.loss_u},
                     {"lambda_u", lambda},
                     {"penalty", losses.penalty}};
  if (recipe.contrastive != ContrastKind::kNone) terms["contrastive"] = losses.contrastive;
  return terms;
}

/// Iterations that have been queued and whose losses are awaited, in order.
class Underway {
 public:
  /// `images`: samples drawn up to here; to_terms(losses) names the losses, their sum as "loss".
  struct Iteration {
    std::int64_t number;
    std::int64_t images;
    IterationResult result;
    std::function<LossTerms(const Tensor& losses)> to_terms;
  };

  /// `phase` is for errors.
  Underway(const EpochContext& context, std::int64_t iterations, const char* phase)
      : context_(context), iterations_(iterations), phase_(phase) {}

  void add(Iteration iteration) { waiting_.push_back(std::move(iteration)); }
  /// Reports what has arrived, and waits where that leaves more than `most`.
  void report(std::size_t most) {
    while (!waiting_.empty() &&
           (waiting_.size() > most || waiting_.front().result.losses.has_arrived())) {
      report(waiting_.front());
      waiting_.pop_front();
    }
  }

 private:
  void report(const Iteration& iteration) {
    const LossTerms terms = iteration.to_terms(iteration.result.losses.get());
    require_finite(terms.at("loss"), iteration.result.nonfinite.get().item() != 0.0, context_,
                   iteration.number, phase_, terms);
    if (context_.report) {
      context_.report(iteration.number + 1, iterations_, iteration.images, terms);
    }
  }

  const EpochContext& context_;
  std::int64_t iterations_;
  const char* phase_;
  std::deque<Iteration> waiting_;
};

/// Throws Stopped where the observer wants it, when all that was begun has been reported.
void stop_if_wanted(const EpochContext& context, Underway& underway) {
  if (!context.wants_stop || !context.wants_stop()) return;
  underway.report(0);
  throw Stopped{};
}

}  // namespace

LossMeans::LossMeans(const nlohmann::json& sums) {
  for (const auto& [name, sum] : sums.items()) sums_[name] = {sum.at(0), sum.at(1)};
}

nlohmann::json LossMeans::sums() const {
  nlohmann::json json = nlohmann::json::object();
  for (const auto& [name, sum] : sums_) json[name] = {sum.first, sum.second};
  return json;
}

void LossMeans::add(const LossTerms& terms) {
  for (const auto& [name, value] : terms) {
    auto& [sum, count] = sums_[name];
    sum += value;
    ++count;
  }
}

LossTerms LossMeans::means() const {
  LossTerms terms;
  for (const auto& [name, sum] : sums_) terms[name] = sum.first / static_cast<double>(sum.second);
  return terms;
}

std::int64_t warm_up_epoch(const EpochContext& context, Network& network, Sgd& optimizer) {
  const Recipe& recipe = context.recipe;
  const WarmUpOptions options(recipe, context.epoch_of_stage);
  const std::int64_t n = context.samples.size();
  const std::int64_t batch_size = recipe.batch_size * recipe.warm_up_batch_factor;
  // A last batch of a single sample, which batch normalisation has no use for, is left out.
  const std::int64_t iterations =
      n > batch_size && n % batch_size == 1 ? n / batch_size : (n + batch_size - 1) / batch_size;
  require_countable(iterations);
  const auto order =
      Philox(context.seed(), Purpose::kShuffle, static_cast<std::uint32_t>(context.epoch),
             static_cast<std::uint32_t>(context.network))
          .permutation(n);
  Underway underway(context, iterations, "warm-up");
  std::int64_t images = 0;
  const auto samples_of = [&](std::int64_t iteration) {
    const std::int64_t first = std::min(iteration * batch_size, n);
    return std::span(order).subspan(static_cast<std::size_t>(first),
                                    static_cast<std::size_t>(std::min(batch_size, n - first)));
  };
  for (std::int64_t i = context.first_iteration; i < iterations; ++i) {
    const auto samples = samples_of(i);
    prefetch(context, samples_of(i + 1));
    WarmUpBatch batch;
    batch.weak = make_view_stack(context, samples, View::kWeak, i, 0, 1);
    batch.labels = select(context.samples.noisy_labels, samples);
    batch.dropout = dropout_key(context, i);
    if (options.mixup_alpha > 0.0) draw_mixup(context, i, options.mixup_alpha, batch);
    if (options.contrastive != WarmUpContrastive::kNone) {
      batch.strong = make_view_stack(context, samples, View::kStrong, i, 2, 2);
    }
    images += std::ssize(samples);
    const Tensor losses = queue_warm_up_iteration(network, optimizer, batch, options);
    underway.add(
        {i,
         images,
         {PendingCopy(losses), PendingCopy(optimizer.nonfinite())},
         [&](const Tensor& values) { return to_terms(WarmUpLosses::from(values), options); }});
    underway.report(kMostUnderway);
    stop_if_wanted(context, underway);
  }
  underway.report(0);
  return images;
}

std::int64_t semi_supervised_epoch(const EpochContext& context, const CoDivision& co_division,
                                   Network& k, Network& j, Sgd& optimizer) {
  release_freed_memory();  // of the evaluation, before memory peaks
  BatchMaker maker(context, co_division);
  const std::int64_t iterations = maker.plan().iterations;
  require_countable(iterations);
  IterationRunner runner(context, co_division, k, j, optimizer);
  Underway underway(context, iterations, "training");
  std::int64_t images = 0;
  for (std::int64_t i = 0; i < context.first_iteration; ++i) maker.skip();
  for (std::int64_t i = context.first_iteration; i < iterations; ++i) {
    const IterationInputs inputs = maker.next(i);
    images += inputs.set_labels.numel();
    const double lambda = maker.lambda();
    underway.add({i, images, runner.run(inputs, dropout_key(context, i)),
                  [lambda, &context](const Tensor& losses) {
                    return to_terms(IterationLosses::from(losses), lambda, context.recipe);
                  }});
    underway.report(kMostUnderway);
    stop_if_wanted(context, underway);
  }
  underway.report(0);
  return images;
}

}  // namespace bptplr
