// Who judges the labels of a run: its networks, which were trained on them, or who has not seen
// them.
#pragma once

#include <cstdint>
#include <optional>

#include "bpt_plr/results/audit/audit.hpp"
#include "bpt_plr/results/judges/folds.hpp"
#include "engine/names.hpp"

namespace bptplr {

/// Judges of labels; docs/features.md compares them on known noise.
enum class Judge {
  kAuto,      ///< kernel for features, else networks
  kNetworks,  ///< the networks of the run
  kKernel,    ///< those, and a kernel classifier of the labels that they correct, in folds
  kFolds      ///< networks trained anew without each fold
};
constexpr auto names_of(Judge) {
  return std::to_array<NamedValue<Judge>>({{Judge::kAuto, "auto"},
                                           {Judge::kNetworks, "networks"},
                                           {Judge::kKernel, "kernel"},
                                           {Judge::kFolds, "folds"}});
}

struct JudgeOptions {
  Judge judge = Judge::kAuto;
  std::int64_t folds = 5;  ///< at least 2
};

/// Returns the judge that kAuto stands for. Throws Error for one that the run cannot have.
Judge choose_judge(Judge wanted, const TrainingData& data, bool has_partitions);

/// Progress of a judgement; all may be empty.
struct JudgeProgress {
  EvaluationProgress evaluating;  ///< samples that networks have evaluated
  FoldProgress training;          ///< epochs of folds
  AuditProgress judging;          ///< steps of the kernel classifier and of the label model
};

/// Judges every label of a run with the chosen judge. Nothing where `stop` ended the training of
/// folds, which the same call resumes. Throws Error as gather_evidence and audit_labels do.
std::optional<Audit> judge_run(const RunFolder& run, const Networks& networks, const Recipe& recipe,
                               const TrainingData& data, const JudgeOptions& options,
                               const StopCondition& stop, const JudgeProgress& progress = {});

}  // namespace bptplr
