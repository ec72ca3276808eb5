// Parts of a method that depend on earlier epochs, for one training run.
#pragma once

#include <memory>

#include "bpt_plr/method/pseudo_labels.hpp"
#include "bpt_plr/method/selection.hpp"
#include "bpt_plr/method/statistic.hpp"

namespace bptplr {

struct Parts {
  std::unique_ptr<Statistic> statistic;         ///< null if all labels are trusted
  std::unique_ptr<Selection> selection;         ///< null if all labels are trusted
  std::unique_ptr<PseudoLabels> pseudo_labels;  ///< null if prototypes are unused

  /// Creates the parts that the recipe of a stage describes.
  explicit Parts(const Recipe& recipe);

  /// Adds the state for a checkpoint to `tensors`, on the CPU.
  void save(TensorMap& tensors) const;
  /// Restores what `save` wrote. Throws Error naming a tensor that is missing or does not fit.
  void load(const TensorMap& tensors);
};

}  // namespace bptplr
