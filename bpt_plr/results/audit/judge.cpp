#include "bpt_plr/results/audit/judge.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "bpt_plr/results/audit/fast_math.hpp"
#include "kernels/parallel.hpp"

namespace bptplr {
namespace {

/// Probabilities of less are computed as logarithms, as what they are sums of may have been cut
/// off.
constexpr double kNearUnderflow = 1e-280;

/// Scratch memory of a thread.
struct Scratch {
  std::vector<double> p;          ///< [C]
  std::vector<double> posterior;  ///< [C] P(class | label), averaged
  std::vector<double> odds;       ///< by explanation
  std::vector<double> terms;      ///< by explanation
};

class Judge {
 public:
  Judge(const LabelledSamples& samples, std::span<const Explanation> explanations,
        std::span<const double> weights, Judgement& judgement)
      : samples_(samples),
        classes_(static_cast<std::size_t>(samples.classes)),
        explanations_(explanations),
        weights_(weights),
        share_(unmixed_share(explanations, weights)),
        judgement_(judgement) {}

  /// Judges the samples of block b.
  BlockSums judge_block(std::int64_t b) const {
    const std::vector<double> none(explanations_.size(), 0.0);
    BlockSums sums{none, none, none, none};
    Scratch scratch{std::vector<double>(classes_), std::vector<double>(classes_), none, none};
    for (std::int64_t i = b; i < samples_.count; i += kBlocks) {
      std::ranges::fill(scratch.posterior, 0.0);
      for (std::size_t k = 0; k < explanations_.size(); ++k) explain(i, k, scratch, sums);
      conclude(i, scratch);
    }
    return sums;
  }

 private:
  /// Logarithms of sums of p T, P(class) times P(label | class).
  struct LogParts {
    double all = 0.0;  ///< of p, whose scale is that of the others
    double wrong = 0.0;
    double right = 0.0;
  };

  /// Adds P(class | label) of explanation k to the posterior, times its weight, and what it says of
  /// sample i to its block.
  void explain(std::int64_t i, std::size_t k, Scratch& scratch, BlockSums& sums) const {
    const Explanation& by = explanations_[k];
    const auto label = static_cast<std::size_t>(samples_.label(i));
    const float* noise = by.fit.transition.data() + label * classes_;
    LogParts parts;
    double sum = multiply(by, i, noise, label, scratch.p, parts);
    if (sum < kNearUnderflow) sum = multiply_logarithms(by, i, noise, label, scratch.p, parts);
    const double scale = weights_[k] / sum;
    for (std::size_t c = 0; c < classes_; ++c) scratch.posterior[c] += scale * scratch.p[c];
    const double odds = parts.wrong - parts.right;
    const double log_sum =
        std::max(parts.wrong, parts.right) + std::log1p(std::exp(-std::abs(odds)));
    const double wrong = 1.0 / (1.0 + std::exp(-odds));
    sums.log_likelihood[k] += log_sum - parts.all;
    sums.sureness[k] += std::exp(-parts.all);
    sums.wrong[k] += wrong;
    sums.variance[k] += wrong * (1.0 - wrong);
    scratch.odds[k] = odds;
  }

  /// Writes p T of all other classes than the label to `p`; returns their sum, 0 where that or the
  /// label's own is near underflow.
  double multiply(const Explanation& by, std::int64_t i, const float* noise, std::size_t label,
                  std::vector<double>& p, LogParts& parts) const {
    const std::span<const float> z = by.samples->row(i);
    const double top = by.samples->top[static_cast<std::size_t>(i)];
    const double per_logit = 1.0 / by.fit.temperature;
    const double all = lane_sum(classes_, [&](std::size_t c) {
      return p[c] = fast_exp((static_cast<double>(z[c]) - top) * per_logit);
    });
    const double right = p[label] * static_cast<double>(noise[label]);
    p[label] = 0.0;
    const double wrong =
        lane_sum(classes_, [&](std::size_t c) { return p[c] *= static_cast<double>(noise[c]); });
    if (wrong < kNearUnderflow || right < kNearUnderflow) return 0.0;
    parts = {std::log(all), std::log(wrong), std::log(right)};
    return wrong + right;
  }

  /// The same in logarithms, which do not underflow when a network is certain, with `p` and the
  /// result in units of the most probable class.
  double multiply_logarithms(const Explanation& by, std::int64_t i, const float* noise,
                             std::size_t label, std::vector<double>& p, LogParts& parts) const {
    const std::span<const float> z = by.samples->row(i);
    const double top = by.samples->top[static_cast<std::size_t>(i)];
    double all = 0.0;
    std::size_t best = label == 0 ? 1 : 0;
    for (std::size_t c = 0; c < classes_; ++c) {
      const double log_p = (static_cast<double>(z[c]) - top) / by.fit.temperature;
      all += std::exp(log_p);
      p[c] = log_p + std::log(static_cast<double>(noise[c]));
      if (c != label && p[c] > p[best]) best = c;
    }
    const double log_best = p[best];
    parts.right = p[label];
    double wrong = 0.0;
    for (std::size_t c = 0; c < classes_; ++c) {
      p[c] = c == label ? 0.0 : std::exp(p[c] - log_best);
      wrong += p[c];
    }
    parts.all = std::log(all);
    parts.wrong = log_best + std::log(wrong);
    return wrong + std::exp(parts.right - log_best);
  }

  /// Writes the averages over the explanations.
  void conclude(std::int64_t i, Scratch& scratch) const {
    const auto sample = static_cast<std::size_t>(i);
    const auto label = static_cast<std::size_t>(samples_.label(i));
    const std::vector<double>& posterior = scratch.posterior;
    std::size_t best = label == 0 ? 1 : 0;
    for (std::size_t c = 0; c < classes_; ++c) {
      if (c != label && posterior[c] > posterior[best]) best = c;
    }
    judgement_.suggested[sample] = static_cast<std::int64_t>(best);
    const double plain = mean_odds(scratch, false);
    judgement_.wrong_log_odds[sample] =
        share_ > 0.0 ? pooled_odds(plain, mean_odds(scratch, true), share_) : plain;
  }

  /// Returns the log-odds of the mean probability of explanations of one kind.
  double mean_odds(Scratch& scratch, bool unmixed) const {
    return log_share(scratch, unmixed, 1.0) - log_share(scratch, unmixed, -1.0);
  }

  /// Returns, up to a constant, the logarithm of the mean of the logistic function of sign * odds.
  double log_share(Scratch& scratch, bool unmixed, double sign) const {
    double most = -std::numeric_limits<double>::infinity();
    for (std::size_t k = 0; k < explanations_.size(); ++k) {
      if (explanations_[k].unmixed != unmixed) continue;
      const double x = sign * scratch.odds[k];
      scratch.terms[k] = std::min(x, 0.0) - std::log1p(std::exp(-std::abs(x)));
      most = std::max(most, scratch.terms[k]);
    }
    double sum = 0.0;
    for (std::size_t k = 0; k < explanations_.size(); ++k) {
      if (explanations_[k].unmixed != unmixed) continue;
      sum += weights_[k] * std::exp(scratch.terms[k] - most);
    }
    return most + std::log(sum);
  }

  const LabelledSamples& samples_;
  std::size_t classes_;
  std::span<const Explanation> explanations_;
  std::span<const double> weights_;
  double share_;
  Judgement& judgement_;
};

}  // namespace

Judgement judge_samples(const LabelledSamples& samples, std::span<const Explanation> explanations,
                        std::span<const double> weights, ProgressCounter& progress) {
  const auto n = static_cast<std::size_t>(samples.count);
  Judgement judgement{std::vector<double>(n), std::vector<std::int64_t>(n), {}};
  judgement.blocks.resize(std::min(static_cast<std::size_t>(kBlocks), n));
  const Judge judge(samples, explanations, weights, judgement);
  const std::int64_t blocks = std::ssize(judgement.blocks);
  const std::int64_t of_part = kernels::chunk_count(blocks, kPartsOfJudging);
  for (std::int64_t first = 0; first < blocks; first += of_part) {
    const std::int64_t count = std::min(of_part, blocks - first);
    kernels::parallel_for(count, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t b = first + begin; b < first + end; ++b) {
        judgement.blocks[static_cast<std::size_t>(b)] = judge.judge_block(b);
      }
    });
    progress.finish_one();
  }
  return judgement;
}

}  // namespace bptplr
