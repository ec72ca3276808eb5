#include "bpt_plr/results/audit/audit.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "bpt_plr/method/gmm.hpp"
#include "bpt_plr/method/statistic.hpp"
#include "bpt_plr/results/audit/usability.hpp"
#include "bpt_plr/train/view_maker.hpp"
#include "engine/ops.hpp"

namespace bptplr {
namespace {

constexpr double kDeviationsOf95 = 1.96;

/// Computes the losses of every sample (step 1); that of prototypes only with partitions.
Evidence losses_of(Network& network, const Network::Output& output, const Recipe& recipe,
                   const std::vector<std::int64_t>& labels, bool has_partitions) {
  Evidence losses{normalized_loss(output.logits, labels), {}};
  if (has_partitions && uses_prototypes(recipe)) {
    losses.second = normalized_loss(
        prototype_logits(output.projection, network.prototypes(), recipe.proto_temperature),
        labels);
  }
  return losses;
}

/// Copies the label model's results to `audit`; returns the log-odds of wrong labels.
std::vector<double> judge_by_model(const LabelModel& model, Audit& audit) {
  for (std::size_t i = 0; i < model.suggested.size(); ++i) {
    audit.wrong_probability.push_back(model.wrong_probability(i));
  }
  audit.suggested = model.suggested;
  audit.joint = model.joint;
  audit.transition = model.transition;
  return model.wrong_log_odds;
}

/// Takes P(label wrong) = 1 - w, shared among the other classes as the networks predict them;
/// returns the classifier's loss up to a constant that all samples share.
std::vector<double> judge_by_mixture(const std::vector<std::int64_t>& labels, Audit& audit) {
  const Tensor& logits = audit.evidence.logits;
  const auto classes = static_cast<std::size_t>(logits.size(1));
  std::vector<double> losses;
  std::vector<double> p(classes);
  audit.joint.assign(classes * classes, 0.0);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto label = static_cast<std::size_t>(labels[i]);
    const auto z = logits.span<float>().subspan(i * classes, classes);
    std::size_t best = label == 0 ? 1 : 0;
    for (std::size_t c = 0; c < classes; ++c) {
      if (c != label && z[c] > z[best]) best = c;
    }
    double others = 0.0;
    for (std::size_t c = 0; c < classes; ++c) {
      p[c] = c == label ? 0.0 : std::exp(static_cast<double>(z[c]) - static_cast<double>(z[best]));
      others += p[c];
    }
    const double wrong = 1.0 - audit.evidence.clean_probability[i];
    double* row = audit.joint.data() + label * classes;
    for (std::size_t c = 0; c < classes; ++c) row[c] += wrong * p[c] / others;
    row[label] += 1.0 - wrong;
    audit.wrong_probability.push_back(wrong);
    audit.suggested.push_back(static_cast<std::int64_t>(best));
    losses.push_back(std::log(others) + static_cast<double>(z[best]) -
                     static_cast<double>(z[label]));
  }
  audit.transition.assign(classes * classes, 0.0);
  for (std::size_t truth = 0; truth < classes; ++truth) {
    double of_class = 0.0;
    for (std::size_t label = 0; label < classes; ++label) {
      of_class += audit.joint[label * classes + truth];
    }
    for (std::size_t label = 0; label < classes && of_class > 0.0; ++label) {
      audit.transition[truth * classes + label] = audit.joint[label * classes + truth] / of_class;
    }
  }
  return losses;
}

/// Writes expected number and interval: the probabilities vary among samples, and labels fall by
/// them, which together is the variance of a binomial number.
void estimate_by_mixture(Audit& audit) {
  const auto n = static_cast<double>(audit.wrong_probability.size());
  audit.expected_wrong =
      std::accumulate(audit.wrong_probability.begin(), audit.wrong_probability.end(), 0.0);
  const double share = audit.expected_wrong / n;
  const double half = kDeviationsOf95 * std::sqrt(n * share * (1.0 - share));
  audit.wrong_interval = {std::max(0.0, audit.expected_wrong - half),
                          std::min(n, audit.expected_wrong + half)};
}

}  // namespace

AuditEvidence gather_evidence(const Networks& networks, const Recipe& recipe,
                              const TrainingData& data, bool has_partitions,
                              const EvaluationProgress& progress) {
  const NoGrad no_grad;
  const auto views = make_view_maker(recipe, data.dataset, data.dataset.train);
  const std::int64_t n = data.dataset.train.size();
  const auto count = std::ssize(networks);
  std::vector<std::int64_t> all(static_cast<std::size_t>(n));
  std::iota(all.begin(), all.end(), 0);
  AuditEvidence evidence;
  evidence.has_partitions = has_partitions;
  std::vector<Evidence> losses;
  Tensor sum;
  for (std::int64_t k = 0; k < count; ++k) {
    Network& network = *networks[static_cast<std::size_t>(k)];
    const Network::Output output =
        evaluate(network, *views, all, [&](std::int64_t done, std::int64_t total) {
          if (progress) progress(k * n + done, count * total);
        });
    losses.push_back(losses_of(network, output, recipe, data.noisy_labels, has_partitions));
    sum = k == 0 ? output.logits : add(sum, output.logits);
  }
  evidence.logits = scale(sum, 1.0 / static_cast<double>(count)).to(Device{});
  const GmmOptions options{recipe.gmm_max_iter, recipe.gmm_tol, recipe.gmm_reg_covar};
  evidence.clean_probability.resize(static_cast<std::size_t>(n));
  for (const GmmFit& fit : fit_gmm(losses, options, static_cast<std::uint64_t>(recipe.seed),
                                   static_cast<std::uint32_t>(recipe.num_epochs))) {
    evidence.mixture_separates = evidence.mixture_separates && !fit.one_cluster;
    for (std::size_t i = 0; i < fit.clean_probability.size(); ++i) {
      evidence.clean_probability[i] += fit.clean_probability[i] / static_cast<double>(count);
    }
  }
  return evidence;
}

Audit audit_labels(AuditEvidence evidence, const std::vector<std::int64_t>& labels,
                   const AuditProgress& progress) {
  Audit audit;
  audit.evidence = std::move(evidence);
  // Breaks ties of wrong_probability, whose values near 1 are equal.
  std::vector<double> suspicion;
  if (audit.evidence.has_partitions) {
    audit.model = fit_label_model(audit.evidence.logits, labels, progress);
    suspicion = judge_by_model(*audit.model, audit);
    audit.expected_wrong = audit.model->expected_wrong;
    audit.wrong_interval = audit.model->wrong_interval;
  } else {
    suspicion = judge_by_mixture(labels, audit);
    estimate_by_mixture(audit);
  }
  audit.ranking.resize(labels.size());
  std::iota(audit.ranking.begin(), audit.ranking.end(), 0);
  std::ranges::stable_sort(audit.ranking, [&](std::int64_t a, std::int64_t b) {
    const auto i = static_cast<std::size_t>(a);
    const auto j = static_cast<std::size_t>(b);
    const std::vector<double>& p = audit.wrong_probability;
    return p[i] != p[j] ? p[i] > p[j] : suspicion[i] > suspicion[j];
  });
  audit.not_to_be_used = reason_not_to_use(audit, labels);
  return audit;
}

std::vector<std::int64_t> corrected_labels(const Audit& audit,
                                           const std::vector<std::int64_t>& labels,
                                           double threshold) {
  std::vector<std::int64_t> corrected = labels;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (audit.wrong_probability[i] > threshold) corrected[i] = audit.suggested[i];
  }
  return corrected;
}

}  // namespace bptplr
