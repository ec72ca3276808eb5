// Step 6: for which class each sample counts when prototypes move.
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

  /// int64 [n] on the device of the outputs: a class, or -1 for a sample that counts for none. Of
  /// an epoch of the stage; called once for each network that has been trained in it.
  virtual Tensor choose(const KeptOutputs& kept, std::int64_t epoch) = 0;

  /// Adds what later calls need of earlier ones, on the CPU.
  virtual void save(TensorMap&) const {}
  /// Takes over what `save` wrote.
  virtual void load(const TensorMap&) {}
};

/// Makes the kind that the recipe, a resolved one, names.
/// - `fixed`: argmax of (softmax(s) + softmax(z)) / 2 where that exceeds proto_threshold, else
///   argmax z (BPT-PLR)
/// - `self_adaptive`: argmax z, of the samples whose largest probability is no smaller than a
///   moving average of it, lowered for rare classes (PLReMix, arXiv 2402.17589, after FreeMatch,
///   Wang et al., ICLR 2023)
std::unique_ptr<PseudoLabels> make_pseudo_labels(const Recipe& recipe);

}  // namespace bptplr
