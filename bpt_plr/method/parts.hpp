// The parts of a method that look back on earlier epochs, for one training run.
#pragma once

#include <memory>

#include "bpt_plr/method/pseudo_labels.hpp"
#include "bpt_plr/method/selection.hpp"
#include "bpt_plr/method/statistic.hpp"

namespace bptplr {

struct Parts {
  std::unique_ptr<Statistic> statistic;         ///< null where all labels are trusted
  std::unique_ptr<Selection> selection;         ///< null alike
  std::unique_ptr<PseudoLabels> pseudo_labels;  ///< null where nothing asks for prototypes

  /// The recipe is that of a stage.
  explicit Parts(const Recipe& recipe);

  /// Adds to `tensors`, on the CPU, what a checkpoint has to hold.
  void save(TensorMap& tensors) const;
  /// Takes over what `save` wrote. Throws Error naming a tensor that is missing or does not fit.
  void load(const TensorMap& tensors);
};

}  // namespace bptplr
