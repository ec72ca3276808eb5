#include "bpt_plr/epoch.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "bpt_plr/iteration.hpp"
#include "bpt_plr/shuffled_passes.hpp"
#include "bpt_plr/warmup.hpp"
#include "data/subset.hpp"
#include "engine/error.hpp"
#include "engine/memory.hpp"
#include "engine/ops.hpp"

namespace bptplr {
namespace {

/// Views of one sample in one epoch are told apart by iteration, network and view: 16 + 1 + 3 bits.
constexpr std::int64_t kMaxIterations = 1 << 16;

std::uint32_t draw_number(std::int64_t iteration, int network, int view) {
  return static_cast<std::uint32_t>(iteration * 16 + network * 8 + view);
}

std::string describe(const LossTerms& terms) {
  std::string text;
  for (const auto& [name, value] : terms) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, value);
  }
  return text;
}

void require_finite(double total, const Sgd& optimizer, const EpochContext& context,
                    std::int64_t iteration, const char* phase, const LossTerms& terms) {
  const bool gradient_is_finite = !optimizer.found_nonfinite();
  if (std::isfinite(total) && gradient_is_finite) return;
  throw NotFinite(
      "the {} is not finite in epoch {}, {} iteration {} of network {} ({}); lower --lr or check "
      "the data",
      std::isfinite(total) ? "gradient" : "loss", context.epoch, phase, iteration,
      context.network + 1, describe(terms));
}

/// Writes one view of the chosen samples to `out`, rows [count, h, w, 3].
void fill_view(const EpochContext& context, std::span<const std::int64_t> samples, View view,
               std::uint32_t draw, Tensor out) {
  context.views.make(select(context.samples.indices, samples), view,
                     {context.seed(), static_cast<std::uint32_t>(context.epoch), draw},
                     std::move(out));
}

/// Says that these samples come next.
void prefetch(const EpochContext& context, std::span<const std::int64_t> samples) {
  context.views.prefetch(select(context.samples.indices, samples));
}

/// Two views of the same samples, one after the other, numbered from `first_view`, to
/// `out`, rows [2 count, h, w, 3].
void fill_two_views(const EpochContext& context, std::span<const std::int64_t> samples, View view,
                    std::int64_t iteration, int first_view, const Tensor& out) {
  const std::int64_t count = std::ssize(samples);
  for (int v = 0; v < 2; ++v) {
    fill_view(context, samples, view, draw_number(iteration, context.network, first_view + v),
              out.rows(v * count, (v + 1) * count));
  }
}

DropoutKey dropout_key(const EpochContext& context, std::int64_t iteration) {
  return {context.seed(), static_cast<std::uint32_t>(context.epoch),
          static_cast<std::uint32_t>(iteration), static_cast<std::uint32_t>(context.network)};
}

void require_countable(std::int64_t iterations) {
  require(iterations < kMaxIterations,
          "an epoch of {} iterations is too long; use a larger --batch_size", iterations);
}

WarmUpContrastive warm_up_contrastive(const Recipe& recipe) {
  if (recipe.method == "ce" || recipe.warm_up_contrastive == "none")
    return WarmUpContrastive::kNone;
  return recipe.warm_up_contrastive == "info_nce" ? WarmUpContrastive::kInfoNce
                                                  : WarmUpContrastive::kFlatNce;
}

WarmUpOptions warm_up_options(const EpochContext& context) {
  const Recipe& recipe = context.recipe;
  WarmUpOptions options;
  options.lr = learning_rate(recipe, context.epoch);
  options.negative_entropy = recipe.method != "ce" && recipe.noise_mode == "asym";
  options.contrastive = warm_up_contrastive(recipe);
  options.contrastive_grad = recipe.warm_up_contrastive_grad;
  options.temperature = recipe.warm_up_temperature;
  return options;
}

LossTerms to_terms(const WarmUpLosses& losses, const WarmUpOptions& options) {
  LossTerms terms = {{"loss", losses.total()}, {"loss_ce", losses.cross_entropy}};
  if (options.negative_entropy) terms["negative_entropy"] = losses.negative_entropy;
  if (options.contrastive != WarmUpContrastive::kNone) terms["contrastive"] = losses.contrastive;
  return terms;
}

LossTerms to_terms(const IterationLosses& losses, double lambda) {
  return {{"loss", losses.total}, {"loss_x", losses.loss_x},   {"loss_u", losses.loss_u},
          {"lambda_u", lambda},   {"penalty", losses.penalty}, {"contrastive", losses.contrastive}};
}

/// Makes the batches of a semi-supervised epoch.
class BatchMaker {
 public:
  BatchMaker(const EpochContext& context, const CoDivision& division)
      : context_(context),
        division_(division),
        kappa_(static_cast<std::int64_t>(
            scheduled(parse_schedule(context.recipe.kappa, "kappa"), context.epoch, 1.0))),
        labelled_(passes(division.partition.labelled, Purpose::kLabelled)),
        unlabelled_(passes(division.partition.unlabelled, Purpose::kUnlabelled)) {}

  IterationBatch next(std::int64_t iteration) {
    const auto x_positions = labelled_.next();
    const auto u_positions = unlabelled_.next();
    const auto x = select(division_.partition.labelled, x_positions);
    const auto u = select(division_.partition.unlabelled, u_positions);
    IterationBatch batch;
    batch.weak = weak_views(iteration, x, u);
    batch.combined = strong_views(iteration, x, u);
    batch.labels = select(context_.samples.noisy_labels, x);
    for (const std::int64_t i : x) {
      batch.clean_probability.push_back(
          static_cast<float>(division_.clean_probability[static_cast<std::size_t>(i)]));
    }
    batch.class_sets = class_sets(x, u, x_positions, u_positions);
    draw_mixup(iteration, batch);
    batch.dropout = dropout_key(context_, iteration);
    prefetch(context_, select(division_.partition.labelled, labelled_.upcoming()));
    prefetch(context_, select(division_.partition.unlabelled, unlabelled_.upcoming()));
    return batch;
  }

  /// Passes over the samples of an iteration that has been done.
  void skip() {
    labelled_.next();
    unlabelled_.next();
  }

  /// lambda_u, ramped up over the epochs after the warm-up; to be asked after `next`.
  double lambda() const {
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

 private:
  ShuffledPasses passes(const std::vector<std::int64_t>& set, Purpose purpose) const {
    return {static_cast<std::int64_t>(set.size()),
            context_.recipe.batch_size,
            context_.seed(),
            purpose,
            static_cast<std::uint32_t>(context_.epoch),
            static_cast<std::uint32_t>(context_.network)};
  }

  /// u1, u2, x1, x2.
  Tensor weak_views(std::int64_t iteration, std::span<const std::int64_t> x,
                    std::span<const std::int64_t> u) const {
    const std::int64_t end_u = 2 * std::ssize(u);
    const std::int64_t rows = end_u + 2 * std::ssize(x);
    const Tensor weak = context_.views.empty(rows);
    fill_two_views(context_, u, View::kWeak, iteration, 0, weak.rows(0, end_u));
    fill_two_views(context_, x, View::kWeak, iteration, 0, weak.rows(end_u, rows));
    return weak;
  }

  /// Room for the mixture, then A = x3, x4, u3, u4.
  Tensor strong_views(std::int64_t iteration, std::span<const std::int64_t> x,
                      std::span<const std::int64_t> u) const {
    const std::int64_t end_x = 2 * std::ssize(x);
    const std::int64_t rows = end_x + 2 * std::ssize(u);
    const Tensor combined = context_.views.empty(2 * rows);
    const Tensor strong = combined.rows(rows, 2 * rows);
    fill_two_views(context_, x, View::kStrong, iteration, 2, strong.rows(0, end_x));
    fill_two_views(context_, u, View::kStrong, iteration, 2, strong.rows(end_x, rows));
    return combined;
  }

  ClassSets class_sets(std::span<const std::int64_t> x, std::span<const std::int64_t> u,
                       std::span<const std::int64_t> x_positions,
                       std::span<const std::int64_t> u_positions) const {
    // The published script looks logits up by the position inside X or U.
    const bool own = context_.recipe.class_set_rows == "sample";
    std::vector<std::int64_t> rows(own ? x.begin() : x_positions.begin(),
                                   own ? x.end() : x_positions.end());
    rows.insert(rows.end(), own ? u.begin() : u_positions.begin(),
                own ? u.end() : u_positions.end());
    std::vector<std::int64_t> labels = select(context_.samples.noisy_labels, x);
    const std::vector<std::int64_t> more = select(context_.samples.noisy_labels, u);
    labels.insert(labels.end(), more.begin(), more.end());
    return make_class_sets(gather_rows(division_.logits, rows), labels, kappa_);
  }

  void draw_mixup(std::int64_t iteration, IterationBatch& batch) const {
    Philox random(context_.seed(), Purpose::kMixUp, static_cast<std::uint32_t>(context_.epoch),
                  static_cast<std::uint32_t>(iteration),
                  static_cast<std::uint32_t>(context_.network));
    const double l = random.beta(context_.recipe.alpha, context_.recipe.alpha);
    batch.mix = static_cast<float>(std::max(l, 1.0 - l));
    batch.permutation = random.permutation(batch.combined.size(0) / 2);
  }

  const EpochContext& context_;
  const CoDivision& division_;
  std::int64_t kappa_;
  ShuffledPasses labelled_;
  ShuffledPasses unlabelled_;
};

IterationOptions iteration_options(const EpochContext& context) {
  const Recipe& recipe = context.recipe;
  IterationOptions options;
  options.lr = learning_rate(recipe, context.epoch);
  options.penalty = recipe.penalty;
  options.sharpen_temperature = recipe.T;
  options.tau = recipe.tau;
  options.contrastive = recipe.contrastive == "none"  ? Contrastive::kNone
                        : recipe.contrastive == "plr" ? Contrastive::kPlr
                                                      : Contrastive::kFlatPlr;
  return options;
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
  const WarmUpOptions options = warm_up_options(context);
  const std::int64_t n = context.samples.size();
  const std::int64_t batch_size =
      recipe.batch_size * (recipe.method == "ce" ? 1 : recipe.warm_up_batch_factor);
  const std::int64_t iterations = (n + batch_size - 1) / batch_size;
  require_countable(iterations);
  const auto order =
      Philox(context.seed(), Purpose::kShuffle, static_cast<std::uint32_t>(context.epoch),
             static_cast<std::uint32_t>(context.network))
          .permutation(n);
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
    batch.weak = context.views.empty(std::ssize(samples));
    fill_view(context, samples, View::kWeak, draw_number(i, context.network, 0), batch.weak);
    batch.labels = select(context.samples.noisy_labels, samples);
    batch.dropout = dropout_key(context, i);
    if (options.contrastive != WarmUpContrastive::kNone) {
      batch.strong = context.views.empty(2 * std::ssize(samples));
      fill_two_views(context, samples, View::kStrong, i, 2, batch.strong);
    }
    const WarmUpLosses losses = warm_up_iteration(network, optimizer, batch, options);
    const LossTerms terms = to_terms(losses, options);
    require_finite(losses.total(), optimizer, context, i, "warm-up", terms);
    images += std::ssize(samples);
    if (context.report) context.report(i + 1, iterations, images, terms);
  }
  return images;
}

std::int64_t semi_supervised_epoch(const EpochContext& context, const CoDivision& division,
                                   Network& k, Network& j, Sgd& optimizer) {
  release_freed_memory();  // of the evaluation, before memory peaks
  const Partition& partition = division.partition;
  const std::int64_t n = std::ssize(partition.labelled) + std::ssize(partition.unlabelled);
  const std::int64_t iterations = n / context.recipe.batch_size + 1;
  require_countable(iterations);
  IterationOptions options = iteration_options(context);
  BatchMaker maker(context, division);
  std::int64_t images = 0;
  for (std::int64_t i = 0; i < context.first_iteration; ++i) maker.skip();
  for (std::int64_t i = context.first_iteration; i < iterations; ++i) {
    IterationBatch batch = maker.next(i);
    options.lambda = maker.lambda();
    const IterationLosses losses = training_iteration(k, j, optimizer, batch, options);
    const LossTerms terms = to_terms(losses, options.lambda);
    require_finite(losses.total, optimizer, context, i, "training", terms);
    images += batch.size_x() + batch.size_u();
    if (context.report) context.report(i + 1, iterations, images, terms);
  }
  return images;
}

}  // namespace bptplr
