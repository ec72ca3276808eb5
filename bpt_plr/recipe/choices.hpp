// Enumerations of a recipe's choices about the method, each with its names. Those of the lower
// layers are in models/network_config.hpp, data/ and engine/.
//
// To add a value, add the enumerator and its name, then whatever the compiler reports as missing.
#pragma once

#include "engine/names.hpp"

namespace bptplr {

// Training

enum class Preset {
  kPaper,     ///< method as described in its paper
  kReference  ///< method as in the published script
};
constexpr auto names_of(Preset) {
  return std::to_array<NamedValue<Preset>>(
      {{Preset::kPaper, "paper"}, {Preset::kReference, "reference"}});
}

enum class LrSchedule { kCosine, kStep };
constexpr auto names_of(LrSchedule) {
  return std::to_array<NamedValue<LrSchedule>>(
      {{LrSchedule::kCosine, "cosine"}, {LrSchedule::kStep, "step"}});
}

// Warm-up

enum class WarmUpContrastive { kFlatNce, kInfoNce, kNone };
constexpr auto names_of(WarmUpContrastive) {
  return std::to_array<NamedValue<WarmUpContrastive>>({{WarmUpContrastive::kFlatNce, "flat_nce"},
                                                       {WarmUpContrastive::kInfoNce, "info_nce"},
                                                       {WarmUpContrastive::kNone, "none"}});
}

/// Penalty for confident predictions.
enum class WarmUpPenalty {
  kAuto,  ///< under asymmetric noise
  kOn,
  kOff
};
constexpr auto names_of(WarmUpPenalty) {
  return std::to_array<NamedValue<WarmUpPenalty>>(
      {{WarmUpPenalty::kAuto, "auto"}, {WarmUpPenalty::kOn, "on"}, {WarmUpPenalty::kOff, "off"}});
}

enum class PlainLoss { kCrossEntropy, kGeneralizedCrossEntropy };
constexpr auto names_of(PlainLoss) {
  return std::to_array<NamedValue<PlainLoss>>(
      {{PlainLoss::kCrossEntropy, "ce"}, {PlainLoss::kGeneralizedCrossEntropy, "gce"}});
}

// Partition

/// Kinds of Statistic (bpt_plr/method/statistic.hpp).
enum class StatisticKind { kCePrototype, kCe, kJsd, kNone };
constexpr auto names_of(StatisticKind) {
  return std::to_array<NamedValue<StatisticKind>>({{StatisticKind::kCePrototype, "ce_prototype"},
                                                   {StatisticKind::kCe, "ce"},
                                                   {StatisticKind::kJsd, "jsd"},
                                                   {StatisticKind::kNone, "none"}});
}

/// Kinds of Selection (bpt_plr/method/selection.hpp).
enum class SelectionKind {
  kGmmBalanced,
  kGmm,
  kUniform,
  kHighConfidence,
  kGmmConfident,
  kSmallLoss,
  kNone
};
constexpr auto names_of(SelectionKind) {
  return std::to_array<NamedValue<SelectionKind>>(
      {{SelectionKind::kGmmBalanced, "gmm_balanced"},
       {SelectionKind::kGmm, "gmm"},
       {SelectionKind::kUniform, "uniform"},
       {SelectionKind::kHighConfidence, "high_confidence"},
       {SelectionKind::kGmmConfident, "gmm_confident"},
       {SelectionKind::kSmallLoss, "small_loss"},
       {SelectionKind::kNone, "none"}});
}

/// When the training set is divided, and which network uses the division.
enum class Exchange {
  kPeer,  ///< once an epoch; each network trains on the other's division
  kJoint  ///< anew before each network
};
constexpr auto names_of(Exchange) {
  return std::to_array<NamedValue<Exchange>>(
      {{Exchange::kPeer, "peer"}, {Exchange::kJoint, "joint"}});
}

/// Base of the logarithm in the Jensen-Shannon distance.
enum class JsdBase { kE, kTwo };
constexpr auto names_of(JsdBase) {
  return std::to_array<NamedValue<JsdBase>>({{JsdBase::kE, "e"}, {JsdBase::kTwo, "2"}});
}

// Semi-supervised training

/// Views that are mixed and trained on.
enum class TrainedViews { kStrong, kWeak };
constexpr auto names_of(TrainedViews) {
  return std::to_array<NamedValue<TrainedViews>>(
      {{TrainedViews::kStrong, "strong"}, {TrainedViews::kWeak, "weak"}});
}

/// Number of iterations in an epoch.
enum class EpochLength {
  kAll,      ///< as many as cover all samples
  kLabelled  ///< one pass over the labelled set
};
constexpr auto names_of(EpochLength) {
  return std::to_array<NamedValue<EpochLength>>(
      {{EpochLength::kAll, "all"}, {EpochLength::kLabelled, "labelled"}});
}

/// Handling of the last samples of a pass, too few for a batch.
enum class IncompleteBatches { kDrop, kKeep };
constexpr auto names_of(IncompleteBatches) {
  return std::to_array<NamedValue<IncompleteBatches>>(
      {{IncompleteBatches::kDrop, "drop"}, {IncompleteBatches::kKeep, "keep"}});
}

/// Number of unlabelled samples in an iteration.
enum class BatchU {
  kSame,       ///< batch_size
  kFilterRate  ///< batch_size / (2 share of labels below the cut-off)
};
constexpr auto names_of(BatchU) {
  return std::to_array<NamedValue<BatchU>>(
      {{BatchU::kSame, "same"}, {BatchU::kFilterRate, "filter_rate"}});
}

// Contrastive loss

/// Kinds of Contrast (bpt_plr/method/contrast.hpp).
enum class ContrastKind { kPlr, kFlatPlr, kSimClr, kNone };
constexpr auto names_of(ContrastKind) {
  return std::to_array<NamedValue<ContrastKind>>({{ContrastKind::kPlr, "plr"},
                                                  {ContrastKind::kFlatPlr, "flat_plr"},
                                                  {ContrastKind::kSimClr, "simclr"},
                                                  {ContrastKind::kNone, "none"}});
}

/// Whether the views of the contrastive loss share one batch with the mixture.
enum class ContrastiveForward { kJoint, kApart };
constexpr auto names_of(ContrastiveForward) {
  return std::to_array<NamedValue<ContrastiveForward>>(
      {{ContrastiveForward::kJoint, "joint"}, {ContrastiveForward::kApart, "apart"}});
}

/// Index by which the class set of a sample is looked up.
enum class ClassSetRows {
  kSample,  ///< index of the sample
  kSubset   ///< its position in the labelled or unlabelled set, as in the published script
};
constexpr auto names_of(ClassSetRows) {
  return std::to_array<NamedValue<ClassSetRows>>(
      {{ClassSetRows::kSample, "sample"}, {ClassSetRows::kSubset, "subset"}});
}

// Prototypes

/// Network whose features update prototypes.
enum class ProtoSource { kOwn, kPeer };
constexpr auto names_of(ProtoSource) {
  return std::to_array<NamedValue<ProtoSource>>(
      {{ProtoSource::kOwn, "own"}, {ProtoSource::kPeer, "peer"}});
}

/// Network whose prototypes an update changes.
enum class ProtoTarget { kOwn, kNetwork1 };
constexpr auto names_of(ProtoTarget) {
  return std::to_array<NamedValue<ProtoTarget>>(
      {{ProtoTarget::kOwn, "own"}, {ProtoTarget::kNetwork1, "network1"}});
}

/// Kinds of PseudoLabels (bpt_plr/method/pseudo_labels.hpp).
enum class PseudoLabelKind { kFixed, kSelfAdaptive };
constexpr auto names_of(PseudoLabelKind) {
  return std::to_array<NamedValue<PseudoLabelKind>>(
      {{PseudoLabelKind::kFixed, "fixed"}, {PseudoLabelKind::kSelfAdaptive, "self_adaptive"}});
}

// Machine

/// What training prints.
enum class LogFormat {
  kText,  ///< text for people
  kJson   ///< one JSON object an event, each on a line
};
constexpr auto names_of(LogFormat) {
  return std::to_array<NamedValue<LogFormat>>(
      {{LogFormat::kText, "text"}, {LogFormat::kJson, "json"}});
}

}  // namespace bptplr
