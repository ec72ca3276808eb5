#include "bpt_plr/results/audit/usability.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "bpt_plr/results/audit/fast_math.hpp"
#include "bpt_plr/results/audit/labelled_samples.hpp"
#include "kernels/parallel.hpp"

namespace bptplr {
namespace {

/// Standard deviations by which predictions must agree with labels more often than by chance.
constexpr double kLeastAgreement = 4.0;
/// What predictions must tell of the labels, in nats a sample and in all. Perfect networks tell
/// 0.13 of ten classes of which 80 % are wrong.
constexpr double kLeastInformation = 0.01;
constexpr double kLeastInformationInAll = 10.0;
/// Share of wrong labels above which networks must be sure of what they see, and how sure.
constexpr double kMostly = 0.5;
constexpr double kLeastSure = 0.5;
/// Share of the labels that a mixture calls right that the network must predict.
constexpr double kLeastPredicted = 0.5;
/// Width of the interval, as a share of the samples.
constexpr double kMostWidth = 0.5;

struct Agreement {
  double share = 0.0;   ///< of samples whose most probable class is the label
  double chance = 0.0;  ///< what it would be if predictions and labels were independent
  double deviations = 0.0;
  double sureness = 0.0;  ///< mean probability of the most probable class
};

Agreement agreement_of(const Tensor& logits, const std::vector<std::int64_t>& labels) {
  const auto classes = static_cast<std::size_t>(logits.size(1));
  const auto n = static_cast<double>(labels.size());
  std::vector<std::size_t> best(labels.size());
  std::vector<double> sureness(labels.size());
  kernels::parallel_for(std::ssize(labels), kAuditGrain, [&](std::int64_t begin, std::int64_t end) {
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
      const auto z = logits.span<float>().subspan(i * classes, classes);
      best[i] = static_cast<std::size_t>(std::ranges::max_element(z) - z.begin());
      const auto top = static_cast<double>(z[best[i]]);
      sureness[i] = 1.0 / lane_sum(classes, [&](std::size_t c) {
                      return fast_exp(static_cast<double>(z[c]) - top);
                    });
    }
  });
  std::vector<double> predicted(classes, 0.0);
  std::vector<double> given(classes, 0.0);
  Agreement agreement;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto label = static_cast<std::size_t>(labels[i]);
    predicted[best[i]] += 1.0 / n;
    given[label] += 1.0 / n;
    agreement.share += best[i] == label ? 1.0 / n : 0.0;
    agreement.sureness += sureness[i] / n;
  }
  for (std::size_t c = 0; c < classes; ++c) agreement.chance += predicted[c] * given[c];
  const double variance = agreement.chance * (1.0 - agreement.chance) / n;
  agreement.deviations =
      variance > 0.0 ? (agreement.share - agreement.chance) / std::sqrt(variance) : 0.0;
  return agreement;
}

std::string reason_by_model(const LabelModel& model, double wrong, double n) {
  if (model.information < std::max(kLeastInformation, kLeastInformationInAll / n)) {
    return fmt::format(
        "the networks' predictions say next to nothing about the labels ({:.3f} nats a sample); "
        "train longer, or with another recipe",
        model.information);
  }
  if (wrong > kMostly && model.sureness < kLeastSure) {
    return fmt::format(
        "the label model contradicts itself: by it {:.0f} % of the labels are wrong, but the "
        "networks are on average only {:.0f} % sure of a class",
        100.0 * wrong, 100.0 * model.sureness);
  }
  return "";
}

/// A mixture splits the losses of any network, also of one that has learnt nothing yet.
std::string reason_by_mixture(const Agreement& agreement, bool separates, double wrong) {
  if (!separates) return "the mixture could not separate the losses of right and wrong labels";
  if (wrong > kMostly && agreement.share > kMostly) {
    return fmt::format(
        "the mixture contradicts the networks: by it {:.0f} % of the labels are wrong, but they "
        "predict the given label for {:.0f} %",
        100.0 * wrong, 100.0 * agreement.share);
  }
  if (agreement.share < kLeastPredicted * (1.0 - wrong)) {
    return fmt::format(
        "the networks have learnt too little: {:.0f} % of the labels are right by the mixture, but "
        "they predict the given label for only {:.0f} %; train longer",
        100.0 * (1.0 - wrong), 100.0 * agreement.share);
  }
  if (wrong > kMostly && agreement.sureness < kLeastSure) {
    return fmt::format(
        "by the mixture {:.0f} % of the labels are wrong, but the networks, which were trained on "
        "them as they are, are on average only {:.0f} % sure of a class; train longer, or with a "
        "recipe that parts right labels from wrong ones",
        100.0 * wrong, 100.0 * agreement.sureness);
  }
  return "";
}

}  // namespace

std::string reason_not_to_use(const Audit& audit, const std::vector<std::int64_t>& labels) {
  const auto n = static_cast<double>(labels.size());
  const Agreement agreement = agreement_of(audit.evidence.logits, labels);
  if (agreement.deviations < kLeastAgreement) {
    return fmt::format(
        "the networks predict the given label for {:.1f} % of the samples, which is not clearly "
        "more than the {:.1f} % of chance",
        100.0 * agreement.share, 100.0 * agreement.chance);
  }
  const double wrong = audit.expected_wrong / n;
  const std::string reason =
      audit.model ? reason_by_model(*audit.model, wrong, n)
                  : reason_by_mixture(agreement, audit.evidence.mixture_separates, wrong);
  if (!reason.empty()) return reason;
  if (audit.wrong_interval[1] - audit.wrong_interval[0] > kMostWidth * n) {
    return fmt::format(
        "between {:.0f} and {:.0f} of {:.0f} labels may be wrong, which says nothing",
        audit.wrong_interval[0], audit.wrong_interval[1], n);
  }
  return "";
}

}  // namespace bptplr
