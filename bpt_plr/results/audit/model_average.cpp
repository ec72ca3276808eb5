#include "bpt_plr/results/audit/model_average.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/random.hpp"

namespace bptplr {
namespace {

/// Log-evidence a sample, in nats, by which explanations must differ to count as different: no
/// model of a network is exact, and with many samples its errors would decide.
constexpr double kTemper = 0.002;
/// Nats by which the explanation by learnt noise may be worse for each wrong label that it finds
/// beyond the other, and have half of the weight, and how fast its weight changes around that.
/// Chosen on sets of docs/audit.md.
constexpr double kAllowance = 0.25;
constexpr double kAllowanceScale = 0.0125;
/// Scales after which the weight is 1e-12.
constexpr double kNoScales = 28.0;
constexpr double kMostWeightOfUnmixed = 0.999;
/// Where both find about the same number, the plain explanation ranks better: learnt noise gets no
/// weight up to this ratio of the numbers, and its full weight from the second on.
constexpr double kSameNumber = 1.2;
constexpr double kOtherNumber = 1.4;
/// Share of the log-odds that learnt noise has where it has the whole weight: rankings by both
/// together are better than by either.
constexpr double kPooled = 0.5;
/// Log-odds of which more makes no difference where explanations disagree.
constexpr double kSure = 40.0;
/// Range and precision of the shift of log-odds.
constexpr double kMostShift = 200.0;
constexpr int kHalvings = 60;

constexpr int kDraws = 2000;
constexpr std::uint64_t kSeed = 1;
constexpr double kTail = 0.025;

/// Returns the nats of log-evidence that make a factor of e in the weights.
double temper_of(double count) {
  return 1.0 + kTemper * count;
}

struct Family {
  double most = -std::numeric_limits<double>::infinity();
  double sum = 0.0;
  double wrong = 0.0;
};

Family family_of(std::span<const Support> explanations, bool unmixed, double temper) {
  Family family;
  for (const Support& one : explanations) {
    if (one.unmixed == unmixed) family.most = std::max(family.most, one.log_evidence);
  }
  for (const Support& one : explanations) {
    if (one.unmixed != unmixed) continue;
    const double weight = std::exp((one.log_evidence - family.most) / temper);
    family.sum += weight;
    family.wrong += weight * one.expected_wrong;
  }
  if (family.sum > 0.0) family.wrong /= family.sum;
  return family;
}

/// Both a ratio of sums over samples and so about the same on parts of them.
double share_of_unmixed(const Family& plain, const Family& unmixed) {
  const double more = unmixed.wrong - plain.wrong;
  if (unmixed.sum <= 0.0 || more <= 0.0) return 0.0;
  const double cost = (plain.most - unmixed.most) / more;
  const double by_evidence = 1.0 / (1.0 + std::exp((cost - kAllowance) / kAllowanceScale));
  const double ratio = unmixed.wrong / std::max(plain.wrong, 1e-9);
  const double by_number =
      std::clamp((ratio - kSameNumber) / (kOtherNumber - kSameNumber), 0.0, 1.0);
  return kMostWeightOfUnmixed * by_evidence * by_number;
}

/// Returns the supports on samples of which block b was drawn `times[b]` times.
std::vector<Support> resampled(std::span<const Support> explanations,
                               std::span<const BlockSums> blocks, const std::vector<int>& times) {
  std::vector<Support> drawn(explanations.begin(), explanations.end());
  for (std::size_t k = 0; k < drawn.size(); ++k) {
    drawn[k].expected_wrong = 0.0;
    for (std::size_t b = 0; b < blocks.size(); ++b) {
      drawn[k].log_evidence += (times[b] - 1) * blocks[b].log_likelihood[k];
      drawn[k].expected_wrong += times[b] * blocks[b].wrong[k];
    }
  }
  return drawn;
}

/// Returns the first index at which the sum of the weights up to it exceeds `u`.
std::size_t index_at(const std::vector<double>& weights, double u) {
  for (std::size_t k = 0; k + 1 < weights.size(); ++k) {
    u -= weights[k];
    if (u < 0.0) return k;
  }
  return weights.size() - 1;
}

}  // namespace

std::vector<double> weights_of(std::span<const Support> explanations, double count) {
  const double temper = temper_of(count);
  const Family plain = family_of(explanations, false, temper);
  const Family unmixed = family_of(explanations, true, temper);
  const double share = share_of_unmixed(plain, unmixed);
  std::vector<double> weights;
  for (const Support& one : explanations) {
    const Family& family = one.unmixed ? unmixed : plain;
    const double within = std::exp((one.log_evidence - family.most) / temper) / family.sum;
    weights.push_back((one.unmixed ? share : 1.0 - share) * within);
  }
  return weights;
}

double reach_of_weights(double count) {
  return temper_of(count) * std::log(1e9);
}

double most_cost_of_learnt_noise(double more) {
  return std::max(0.0, more) * (kAllowance + kNoScales * kAllowanceScale);
}

double unmixed_share(std::span<const Explanation> explanations, std::span<const double> weights) {
  double share = 0.0;
  for (std::size_t k = 0; k < explanations.size(); ++k) {
    if (explanations[k].unmixed) share += weights[k];
  }
  return share;
}

double pooled_odds(double plain, double unmixed, double share) {
  return plain +
         kPooled * share * (std::clamp(unmixed, -kSure, kSure) - std::clamp(plain, -kSure, kSure));
}

double shift_to_number(std::span<const double> odds, double number) {
  double low = -kMostShift;
  double high = kMostShift;
  for (int k = 0; k < kHalvings; ++k) {
    const double shift = 0.5 * (low + high);
    double sum = 0.0;
    for (const double one : odds) sum += 1.0 / (1.0 + std::exp(-one - shift));
    (sum < number ? low : high) = shift;
  }
  return 0.5 * (low + high);
}

std::array<double, 2> wrong_interval(std::span<const Support> explanations,
                                     std::span<const BlockSums> blocks, std::int64_t count,
                                     double raise) {
  Philox random(kSeed, Purpose::kNoise);
  std::vector<double> numbers;
  for (int draw = 0; draw < kDraws; ++draw) {
    std::vector<int> times(blocks.size(), 0);
    for (std::size_t b = 0; b < blocks.size(); ++b) {
      ++times[random.below(static_cast<std::uint32_t>(blocks.size()))];
    }
    const std::vector<Support> drawn = resampled(explanations, blocks, times);
    const std::vector<double> weights = weights_of(drawn, static_cast<double>(count));
    const std::size_t k = index_at(weights, random.uniform_double());
    double variance = 0.0;
    for (const BlockSums& block : blocks) variance += block.variance[k];
    const double expected = drawn[k].expected_wrong * (drawn[k].unmixed ? raise : 1.0);
    const double number = expected + std::sqrt(variance) * random.normal();
    numbers.push_back(std::clamp(number, 0.0, static_cast<double>(count)));
  }
  std::ranges::sort(numbers);
  const auto low = static_cast<std::size_t>(kTail * kDraws);
  return {numbers[low], numbers[numbers.size() - 1 - low]};
}

}  // namespace bptplr
