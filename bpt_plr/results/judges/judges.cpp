#include "bpt_plr/results/judges/judges.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "bpt_plr/results/judges/kernel_classifier.hpp"
#include "engine/error.hpp"
#include "engine/ops.hpp"

namespace bptplr {
namespace {

/// Scores of a regression on distributions lie in about [0, 1]: logits of their size, to which the
/// label model finds the temperature.
constexpr double kScoreScale = 10.0;
/// Steps into which the kernel classifier is divided for progress.
constexpr std::int64_t kKernelSteps = 100;

/// Returns P(true class | prediction, label) [N, C] of the label model: T[c, y] softmax(z /
/// temperature)_c, normalised.
Tensor corrected_labels_of(const Tensor& logits, const LabelModel& model,
                           const std::vector<std::int64_t>& labels) {
  const std::int64_t classes = logits.size(1);
  Tensor posterior = softmax(scale(logits, 1.0 / model.temperature));
  float* row = posterior.data<float>();
  for (std::size_t i = 0; i < labels.size(); ++i, row += classes) {
    double sum = 0.0;
    for (std::int64_t c = 0; c < classes; ++c) {
      row[c] *=
          static_cast<float>(model.transition[static_cast<std::size_t>(c * classes + labels[i])]);
      sum += static_cast<double>(row[c]);
    }
    for (std::int64_t c = 0; c < classes; ++c) {
      row[c] = sum > 0.0 ? static_cast<float>(static_cast<double>(row[c]) / sum)
                         : 1.0F / static_cast<float>(classes);
    }
  }
  return posterior;
}

/// Returns log softmax(z / temperature), as far as float32 tells it from 0.
Tensor log_probabilities(const Tensor& logits, double temperature) {
  constexpr float kLeast = 1e-12F;
  Tensor p = softmax(scale(logits, 1.0 / temperature));
  float* values = p.data<float>();
  for (std::int64_t i = 0; i < p.numel(); ++i) values[i] = std::log(std::max(values[i], kLeast));
  return p;
}

/// Adds what the kernel classifier says to the logits of the networks: their product, in which
/// either has the temperature that suits it.
void consult_kernel(AuditEvidence& evidence, const Recipe& recipe, const TrainingData& data,
                    std::int64_t folds, const AuditProgress& progress) {
  const NoGrad no_grad;
  const std::vector<std::int64_t>& labels = data.noisy_labels;
  const LabelModel networks = fit_label_model(evidence.logits, labels, progress);
  const Tensor targets = corrected_labels_of(evidence.logits, networks, labels);
  const auto seed = static_cast<std::uint64_t>(recipe.seed);
  const auto fold_of = folds_of(labels, data.dataset.num_classes(), folds, seed);
  const Tensor scores = out_of_fold_scores(
      data.dataset.train, data.dataset.mean, data.dataset.std, targets, fold_of, {folds, seed},
      [&](double share) {
        if (progress) progress(static_cast<std::int64_t>(share * kKernelSteps), kKernelSteps);
      });
  const Tensor votes = scale(scores, kScoreScale);
  const LabelModel kernel = fit_label_model(votes, labels, progress);
  evidence.logits = add(log_probabilities(evidence.logits, networks.temperature),
                        log_probabilities(votes, kernel.temperature));
}

}  // namespace

Judge choose_judge(Judge wanted, const TrainingData& data, bool has_partitions) {
  const bool has_vectors = data.dataset.train.has_vectors();
  if (wanted == Judge::kAuto) {
    return has_vectors && has_partitions ? Judge::kKernel : Judge::kNetworks;
  }
  require(
      wanted != Judge::kKernel || has_vectors,
      "--judge kernel needs features, but the run was trained on images; use --judge networks or "
      "folds");
  require(wanted != Judge::kKernel || has_partitions,
          "--judge kernel needs networks that correct labels, but these were trained on the labels "
          "as they are (warm-up, or a baseline); use --judge networks or folds");
  return wanted;
}

std::optional<Audit> judge_run(const RunFolder& run, const Networks& networks, const Recipe& recipe,
                               const TrainingData& data, const JudgeOptions& options,
                               const StopCondition& stop, const JudgeProgress& progress) {
  const bool has_partitions = trained_on_partition(run);
  const Judge judge = choose_judge(options.judge, data, has_partitions);
  AuditEvidence evidence =
      gather_evidence(networks, recipe, data, has_partitions, progress.evaluating);
  if (judge == Judge::kFolds) {
    evidence.logits = out_of_fold_logits(run, recipe, data, options.folds, stop, progress.training);
    if (!evidence.logits.defined()) return std::nullopt;
    evidence.has_partitions = true;  // whoever predicts has not learnt the label, right or wrong
  } else if (judge == Judge::kKernel) {
    consult_kernel(evidence, recipe, data, options.folds, progress.judging);
  }
  return audit_labels(std::move(evidence), data.noisy_labels, progress.judging);
}

}  // namespace bptplr
