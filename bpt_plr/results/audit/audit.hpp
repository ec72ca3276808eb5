// Which labels of a run's training set are wrong, by the networks that were trained on them.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "bpt_plr/recipe/recipe.hpp"
#include "bpt_plr/results/audit/label_model.hpp"
#include "bpt_plr/run/trained_run.hpp"
#include "bpt_plr/train/evaluation.hpp"
#include "bpt_plr/train/training_data.hpp"

namespace bptplr {

/// What the networks say about the training set, in evaluation mode and the test view.
struct AuditEvidence {
  Tensor logits;  ///< [N, C] z, the mean over the networks, on the CPU
  /// [N] w of steps 1 and 2 of an epoch, the mean over the networks.
  std::vector<double> clean_probability;
  /// Whether the networks have been trained on partitions of the training set. If not (during the
  /// warm-up, and for the baselines), prototypes mean nothing, and w rests on the classifier's loss
  /// alone.
  bool has_partitions = true;
};

/// `recipe` is that of the run, `data` what it trained on, `has_partitions` see AuditEvidence.
/// Throws Error as fit_gmm does.
AuditEvidence gather_evidence(const Networks& networks, const Recipe& recipe,
                              const TrainingData& data, bool has_partitions,
                              const EvaluationProgress& progress = {});

/// Matrices are [C, C] with C the number of classes.
struct Audit {
  std::vector<double> wrong_probability;  ///< [N] that the label is wrong
  std::vector<std::int64_t> suggested;    ///< [N] the most probable class but for the label
  std::vector<std::int64_t> ranking;      ///< [N] samples, the most surely wrong label first
  std::vector<double> joint;       ///< expected samples labelled y of true class c, at y * C + c
  std::vector<double> transition;  ///< probability that true class c is labelled y, at c * C + y
  /// What the networks' predictions were judged by; nothing where w was taken.
  std::optional<LabelModel> model;
  AuditEvidence evidence;
};

/// Judges every label: by the label model, for which predictions must tell what an image shows.
/// Those of networks that were trained on the labels as they are tell what label it was given, and
/// the model would find nearly all of them right; there the label is wrong with probability 1 - w:
/// right labels are learnt first. Throws Error as fit_label_model does.
Audit audit_labels(AuditEvidence evidence, const std::vector<std::int64_t>& labels);

/// The labels with the suggested ones put in where the probability that a label is wrong exceeds
/// `threshold`.
std::vector<std::int64_t> corrected_labels(const Audit& audit,
                                           const std::vector<std::int64_t>& labels,
                                           double threshold);

}  // namespace bptplr
