// Finds wrong labels in a run's training set with the networks that were trained on it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bpt_plr/recipe/recipe.hpp"
#include "bpt_plr/results/audit/label_model.hpp"
#include "bpt_plr/run/trained_run.hpp"
#include "bpt_plr/train/evaluation.hpp"
#include "bpt_plr/train/training_data.hpp"

namespace bptplr {

/// Outputs of the networks for the training set, in evaluation mode and the test view.
struct AuditEvidence {
  Tensor logits;  ///< [N, C] z, the mean over the networks, on the CPU
  /// [N] w of steps 1 and 2 of an epoch, the mean over the networks.
  std::vector<double> clean_probability;
  /// Whether the networks were trained on partitions of the training set. If not (during warm-up
  /// and for the baselines), prototypes are meaningless, and w uses the classifier's loss alone.
  bool has_partitions = true;
  /// Whether the mixture of every network told two kinds of losses apart.
  bool mixture_separates = true;
};

/// Evaluates the networks of a run with its recipe and training data; for `has_partitions` see
/// AuditEvidence. Throws Error as fit_gmm does.
AuditEvidence gather_evidence(const Networks& networks, const Recipe& recipe,
                              const TrainingData& data, bool has_partitions,
                              const EvaluationProgress& progress = {});

/// Judgement of every label. Matrices are [C, C] with C the number of classes.
struct Audit {
  std::vector<double> wrong_probability;  ///< [N] probability that the label is wrong
  std::vector<std::int64_t> suggested;    ///< [N] the most probable class other than the label
  std::vector<std::int64_t> ranking;      ///< [N] samples, the most certainly wrong label first
  std::vector<double> joint;       ///< expected samples labelled y of true class c, at y * C + c
  std::vector<double> transition;  ///< probability that true class c is labelled y, at c * C + y
  double expected_wrong = 0.0;     ///< expected number of wrong labels
  std::array<double, 2> wrong_interval{};  ///< the number lies between these with 95 %
  /// Why the audit is not to be used; empty if it is. See reason_not_to_use.
  std::string not_to_be_used;
  /// Label model that judged the predictions; empty where w was used.
  std::optional<LabelModel> model;
  AuditEvidence evidence;
};

/// Judges every label with the label model, or with P(wrong) = 1 - w if the networks were trained
/// on the labels as given: their predictions then reproduce the given labels, and the label model
/// would find nearly all of them right, but right labels are learnt first. Throws Error as
/// fit_label_model does.
Audit audit_labels(AuditEvidence evidence, const std::vector<std::int64_t>& labels,
                   const AuditProgress& progress = {});

/// Returns the labels, replaced by the suggested ones where P(label wrong) exceeds `threshold`.
std::vector<std::int64_t> corrected_labels(const Audit& audit,
                                           const std::vector<std::int64_t>& labels,
                                           double threshold);

}  // namespace bptplr
