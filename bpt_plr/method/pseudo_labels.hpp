// Step 6: chooses the class that each sample counts for when prototypes are updated.
#pragma once

#include <cstdint>
#include <memory>

#include "bpt_plr/method/evidence.hpp"
#include "bpt_plr/recipe/recipe.hpp"
#include "engine/io/safetensors.hpp"

namespace bptplr {

class PseudoLabels {
 public:
  virtual ~PseudoLabels() = default;

  /// Returns int64 [n] on the device of the outputs: a class, or -1 for a sample that counts for
  /// none. `epoch` is counted within the stage; called once for each network trained in it.
  virtual Tensor choose(const KeptOutputs& kept, std::int64_t epoch) = 0;

  /// Adds the state that later calls need to the map, on the CPU.
  virtual void save(TensorMap&) const {}
  /// Restores what `save` wrote.
  virtual void load(const TensorMap&) {}
};

/// Creates the pseudo labels that a resolved recipe names.
/// - `fixed`: argmax of (softmax(s) + softmax(z)) / 2 where that exceeds proto_threshold, else
///   argmax z (BPT-PLR)
/// - `self_adaptive`: argmax z, of the samples whose largest probability is no smaller than a
///   moving average of it, lowered for rare classes (PLReMix, arXiv 2402.17589, after FreeMatch,
///   Wang et al., ICLR 2023)
std::unique_ptr<PseudoLabels> make_pseudo_labels(const Recipe& recipe);

}  // namespace bptplr
